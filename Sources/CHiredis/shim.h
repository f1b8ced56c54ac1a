// hiredis's formatter (redisFormatCommandArgv) and parser (redisReader). Its connections are not used: they have no TLS.
#include <hiredis/hiredis.h>
