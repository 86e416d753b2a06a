#include "train/setting_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits that JSON reads back to the same text: neither a word such as `all`, nor inf, a list or a negative zero. */
static int is_number(const char *text) {
    char *end;
    if (!*text || text[strspn(text, "0123456789+-.e")] || !strcmp(text, "-0")) return 0;
    strtod(text, &end);
    return !*end;
}

void mml_setting_json_put(const MmlSetting *setting, const char *text, MmlJson *json) {
    if ((setting->type == MML_INT || setting->type == MML_REAL) && is_number(text)) mml_json_digits(json, text);
    else if (setting->type == MML_BOOL && (!strcmp(text, "true") || !strcmp(text, "false"))) mml_json_bool(json, *text == 't');
    else mml_json_text(json, text);
}

const char *mml_setting_json_text(const json_t *entry, char digits[MML_NUMBER_TEXT]) {
    const json_t *value = json_object_get(entry, "value");
    if (json_is_boolean(value)) return json_is_true(value) ? "true" : "false";
    if (json_is_integer(value)) snprintf(digits, MML_NUMBER_TEXT, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value)) mml_shortest(json_real_value(value), digits);
    else return json_string_value(value);
    return digits;
}
