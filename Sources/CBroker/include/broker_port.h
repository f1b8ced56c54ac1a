#ifndef QUARTET_BROKER_PORT_H
#define QUARTET_BROKER_PORT_H

#include <stdint.h>

// From now on the process's first socket that asks for any free port of 127.0.0.1 gets this one: librdkafka's mock broker
// can't be told its port.
void quartet_broker_port_reserve(uint16_t port);

#endif
