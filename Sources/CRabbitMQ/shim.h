#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

// Variadic functions don't import. The server ends consumers silently unless it is told that they hear of it.
static inline amqp_rpc_reply_t quartet_amqp_login_plain(
    amqp_connection_state_t state, const char *vhost, int frame_max, int heartbeat, const char *name,
    const char *user, const char *password) {
    amqp_table_entry_t capability = {
        .key = amqp_cstring_bytes("consumer_cancel_notify"),
        .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value = {.boolean = 1}}};
    amqp_table_entry_t entries[2] = {
        {.key = amqp_cstring_bytes("connection_name"),
         .value = {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = amqp_cstring_bytes(name)}}},
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {.kind = AMQP_FIELD_KIND_TABLE, .value = {.table = {.num_entries = 1, .entries = &capability}}}}};
    amqp_table_t properties = {.num_entries = 2, .entries = entries};
    return amqp_login_with_properties(
        state, vhost, 0, frame_max, heartbeat, &properties, AMQP_SASL_METHOD_PLAIN, user, password);
}

// Macros with casts don't import.
static const amqp_method_number_t quartet_amqp_connection_close = AMQP_CONNECTION_CLOSE_METHOD;
static const amqp_method_number_t quartet_amqp_channel_close = AMQP_CHANNEL_CLOSE_METHOD;
static const amqp_method_number_t quartet_amqp_channel_close_ok = AMQP_CHANNEL_CLOSE_OK_METHOD;
static const amqp_method_number_t quartet_amqp_basic_deliver = AMQP_BASIC_DELIVER_METHOD;
static const amqp_method_number_t quartet_amqp_basic_return = AMQP_BASIC_RETURN_METHOD;
static const amqp_method_number_t quartet_amqp_basic_get_ok = AMQP_BASIC_GET_OK_METHOD;
static const amqp_method_number_t quartet_amqp_basic_ack = AMQP_BASIC_ACK_METHOD;
static const amqp_method_number_t quartet_amqp_basic_nack = AMQP_BASIC_NACK_METHOD;
static const amqp_method_number_t quartet_amqp_basic_cancel = AMQP_BASIC_CANCEL_METHOD;

// Not among what Foundation brings.
#include <sys/eventfd.h>
