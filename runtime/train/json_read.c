#include "train/json_read.h"

#include <math.h>

double mml_json_number(const json_t *object, const char *key, const char *name) {
    const json_t *value = json_object_get(object, key);
    if (name) value = json_object_get(value, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}
