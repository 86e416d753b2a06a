/* The values of an experiment's params and properties in one run. */
#ifndef MML_SETTINGS_H
#define MML_SETTINGS_H

#include "mml/experiment.h"

typedef struct MmlSettings {
    const MmlExperiment *experiment;
    MmlValue *values;                 /* [slot_count]                                   */
    u8       *given;                  /* [slot_count] 1: from the command line          */
    MmlText  *text;
    MmlArena *arena;                  /* holds all of it                                */
} MmlSettings;

/* A builder of texts whose results live in arena; NULL when out of memory. */
MmlText *mml_text_new(MmlArena *arena);

/* Values for the experiment with nothing given yet; all memory from arena. */
Status mml_settings_new(MmlArena *arena, const MmlExperiment *experiment, MmlSettings *out);

/* The setting at a path, or NULL. */
const MmlSetting *mml_setting_find(const MmlExperiment *experiment, const char *path);

/* Parses text as the setting's type ("30 epochs", "30", "10 %", "inf", "audio=5,visual=100")
 * and marks it given. MML_ECALL with the expected type and range when it can't be. */
Status mml_setting_give(MmlSettings *settings, const MmlSetting *setting, const char *text);

/* Computes all that was not given and checks every range. Fails on a required
 * param that is missing, naming every one. */
Status mml_settings_finish(MmlSettings *settings);

/* Typed reads by path. The path is a printf format, so that
 * mml_int(s, "%s.epochs", stage->path) reads a property of a stage. A path
 * that does not exist is a bug of the caller: it aborts with the path. */
i64         mml_int(const MmlSettings *s, const char *path, ...)    __attribute__((format(printf, 2, 3)));
double      mml_real(const MmlSettings *s, const char *path, ...)   __attribute__((format(printf, 2, 3)));
const char *mml_string(const MmlSettings *s, const char *path, ...) __attribute__((format(printf, 2, 3)));
/* The chosen word itself, "before". */
const char *mml_word(const MmlSettings *s, const char *path, ...)   __attribute__((format(printf, 2, 3)));
/* 1 when the path exists (an optional argument that the program gave). */
int         mml_has(const MmlSettings *s, const char *path, ...)    __attribute__((format(printf, 2, 3)));

/* The setting's value as a person would write it ("2 epochs", "0.95"); in arena. */
const char *mml_setting_text(const MmlSettings *s, const MmlSetting *setting, MmlArena *arena);

#endif
