#ifndef QUARTET_EMOTION_MODEL_H
#define QUARTET_EMOTION_MODEL_H

#include <stddef.h>

// The model file that ships, as it lies in this folder. The bytes are constant for the life of the process.
const unsigned char *quartet_emotion_model_bytes(void);
size_t quartet_emotion_model_size(void);

// English words with how good people find them, as valences.txt lies there; its first lines say whose work it is.
const unsigned char *quartet_valence_bytes(void);
size_t quartet_valence_size(void);

// Has the memory at an address fetched: a read soon afterwards waits less for it. Any address will do.
static inline void quartet_prefetch(const void *address) { __builtin_prefetch(address); }

#endif
