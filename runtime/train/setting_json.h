/* A setting's value in run.json and back: ints, finite reals and bools are JSON's own, all else (texts, words, values with a
 * unit, lists) is what a person would write. Reading it back gives the text that was written; run.json files in which
 * everything is text are read too. */
#ifndef TRAIN_SETTING_JSON_H
#define TRAIN_SETTING_JSON_H

#include <jansson.h>
#include "mml/experiment.h"
#include "train/json.h"

#define MML_NUMBER_TEXT 32

/* text: of mml_setting_text. */
void mml_setting_json_put(const MmlSetting *setting, const char *text, MmlJson *json);

/* The text of entry.value, which lies in entry or in digits; NULL when there is none. */
const char *mml_setting_json_text(const json_t *entry, char digits[MML_NUMBER_TEXT]);

#endif
