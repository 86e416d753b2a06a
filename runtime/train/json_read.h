/* Numbers out of read JSON. */
#ifndef TRAIN_JSON_READ_H
#define TRAIN_JSON_READ_H

#include <jansson.h>

/* object.key, or object.key.name when name isn't NULL; NaN when it isn't there or isn't a number (JSON has null for NaN). */
double mml_json_number(const json_t *object, const char *key, const char *name);

#endif
