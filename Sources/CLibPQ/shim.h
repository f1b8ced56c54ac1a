#include <libpq-fe.h>

// Swift's C library modules leave this header out; a connection's thread sleeps on an eventfd beside its socket.
#include <sys/eventfd.h>

// Character macros don't import into Swift: the fields of an error.
enum {
    quartet_diag_severity = PG_DIAG_SEVERITY_NONLOCALIZED,
    quartet_diag_sqlstate = PG_DIAG_SQLSTATE,
    quartet_diag_message = PG_DIAG_MESSAGE_PRIMARY,
    quartet_diag_detail = PG_DIAG_MESSAGE_DETAIL,
    quartet_diag_hint = PG_DIAG_MESSAGE_HINT,
    quartet_diag_schema = PG_DIAG_SCHEMA_NAME,
    quartet_diag_table = PG_DIAG_TABLE_NAME,
    quartet_diag_column = PG_DIAG_COLUMN_NAME,
    quartet_diag_constraint = PG_DIAG_CONSTRAINT_NAME,
};
