#ifndef QUARTET_EMOTION_MODEL_H
#define QUARTET_EMOTION_MODEL_H

#include <stddef.h>

// The model file that ships, as it lies in this folder. The bytes are constant for the life of the process.
const unsigned char *quartet_emotion_model_bytes(void);
size_t quartet_emotion_model_size(void);

#endif
