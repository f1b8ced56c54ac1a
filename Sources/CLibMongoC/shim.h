#ifndef QUARTET_CLIBMONGOC_SHIM_H
#define QUARTET_CLIBMONGOC_SHIM_H

#include <mongoc/mongoc.h>

/* Runs one command. Swift imports the over-aligned bson_t as an opaque pointer and can't place one on its stack, so the
 * three documents of a call (command, options, reply) live here.
 *
 * command: a BSON document of `length` bytes that outlives the call.
 * session: NULL for none. max_time_ms, txn_number: appended to the command where above 0.
 * reply: set to the reply's bytes, to be freed with bson_free; an empty document where there was none. */
static inline bool
quartet_mongoc_command (mongoc_client_t *client,
                        const mongoc_client_session_t *session,
                        const char *database,
                        const uint8_t *command,
                        size_t length,
                        int64_t max_time_ms,
                        int64_t txn_number,
                        uint8_t **reply,
                        uint32_t *reply_length,
                        bson_error_t *error)
{
   bson_t body;
   bson_t opts = BSON_INITIALIZER;
   bson_t answer = BSON_INITIALIZER;
   bool ok = bson_init_static (&body, command, length);

   if (!ok) {
      bson_set_error (error, MONGOC_ERROR_BSON, MONGOC_ERROR_BSON_INVALID, "the command is no BSON document");
   }
   ok = ok && (!session || mongoc_client_session_append (session, &opts, error));
   if (max_time_ms > 0) {
      bson_append_int64 (&opts, "maxTimeMS", -1, max_time_ms);
   }
   if (txn_number > 0) {
      bson_append_int64 (&opts, "txnNumber", -1, txn_number);
   }
   if (ok) {
      /* It initialises the reply itself, whatever the outcome; an empty one owns no memory. */
      ok = mongoc_client_command_with_opts (client, database, &body, NULL, &opts, &answer, error);
   }
   bson_destroy (&opts);
   *reply = bson_destroy_with_steal (&answer, true, reply_length);
   return ok;
}

#endif
