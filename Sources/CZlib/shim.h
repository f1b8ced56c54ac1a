#include <zlib.h>

// Macros in zlib.h, which Swift does not see. 32 more bits: gzip or zlib, as the data says; 16 more: gzip.
static inline int quartet_inflate_init(z_stream *stream) { return inflateInit2(stream, MAX_WBITS + 32); }
static inline int quartet_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
}
