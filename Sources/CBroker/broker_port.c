#include "broker_port.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint16_t reserved;

void quartet_broker_port_reserve(uint16_t port) {
    atomic_store(&reserved, port);
}

// Stands before the C library's, for the libraries of this program too.
int bind(int descriptor, const struct sockaddr *address, socklen_t size) {
    struct sockaddr_in chosen;
    if (size == sizeof(chosen) && address->sa_family == AF_INET) {
        memcpy(&chosen, address, sizeof(chosen));
        if (chosen.sin_port == 0 && chosen.sin_addr.s_addr == htonl(INADDR_LOOPBACK)) {
            chosen.sin_port = htons(atomic_exchange(&reserved, 0));
            address = (const struct sockaddr *)&chosen;
        }
    }
    return (int)syscall(SYS_bind, descriptor, address, size);
}
