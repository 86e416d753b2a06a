/* Setting values as text: what a person writes on a command line, and back.
 *
 * Units may be left out and are then the type's own: s, Hz, epochs, steps, B,
 * %, fps. Reading back what was written gives the same value, bit for bit.
 */
#ifndef TRAIN_SETTINGS_TEXT_H
#define TRAIN_SETTINGS_TEXT_H

#include "mml/experiment.h"

/* One value of the setting's type. Fails with MML_ECALL saying what is expected. */
Status mml_value_parse(const MmlExperiment *experiment, const MmlSetting *setting, const char *text, MmlValue *out,
                       MmlArena *arena);

/* One value as text, in arena. */
const char *mml_value_text(const MmlExperiment *experiment, const MmlSetting *setting, MmlValue value, MmlArena *arena);

/* "real", "epochs", "still|zero_gradient": the type's name in messages and --help. */
const char *mml_setting_type_text(const MmlSetting *setting, MmlArena *arena);

/* "1 to 17", "at least 0", or "" when any value will do. */
const char *mml_setting_range_text(const MmlExperiment *experiment, const MmlSetting *setting, MmlArena *arena);

/* 1: low and high bound its values (texts, words, bools and modalities have no range). */
int mml_setting_has_range(const MmlSetting *setting);

/* 1: the value is one that has a word of its own, `samples = all`, and no range. */
int mml_value_is_word(const MmlSetting *setting, MmlValue value);

/* The command that compiles the program with another value, to be pasted into a
 * shell: `mmlc --set 'train.schedule=step(every = 3)' toy.mml`; option is "-D" or "--set". */
const char *mml_compile_call(const MmlExperiment *experiment, const char *option, const char *path, const char *value,
                             MmlArena *arena);

/* 1: stored as an integer; 0: as a real; -1: as a text. */
int mml_type_held(i64 type);

#endif
