/* The client, and the mock cluster, which the library keeps in a header of its own. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
