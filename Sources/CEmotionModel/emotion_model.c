#include "emotion_model.h"

// #embed finds a file beside this one, whatever the build's folder is, and a new file rebuilds this one.
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char model[] __attribute__((aligned(64))) = {
#embed "emotion.model" if_empty(0)
};

static const unsigned char valences[] = {
#embed "valences.txt"
};

const unsigned char *quartet_emotion_model_bytes(void) { return model; }

size_t quartet_emotion_model_size(void) { return sizeof model; }

const unsigned char *quartet_valence_bytes(void) { return valences; }

size_t quartet_valence_size(void) { return sizeof valences; }
