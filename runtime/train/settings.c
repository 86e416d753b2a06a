#include "mml/settings.h"

#include "train/json.h"
#include "train/rule_actions.h"
#include "train/settings_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Status mml_settings_new(MmlArena *arena, const MmlExperiment *experiment, MmlSettings *out) {
    *out = (MmlSettings){.experiment = experiment, .arena = arena};
    out->values = MML_NEW(arena, MmlValue, experiment->slot_count + 1);
    out->given = MML_NEW(arena, u8, experiment->slot_count + 1);
    out->text = mml_text_new(arena);
    return out->values && out->given && out->text ? MML_OK : MML_ENOMEM;
}

const MmlSetting *mml_setting_find(const MmlExperiment *experiment, const char *path) {
    for (i64 i = 0; i < experiment->setting_count; i++)
        if (!strcmp(experiment->settings[i].path, path)) return &experiment->settings[i];
    return NULL;
}

/* Slots from the setting's own up to the next setting's: what a list has room for. */
static i64 slots_of(const MmlExperiment *experiment, const MmlSetting *setting) {
    i64 next = experiment->slot_count;
    for (i64 i = 0; i < experiment->setting_count; i++) {
        i64 slot = experiment->settings[i].slot;
        if (slot > setting->slot && slot < next) next = slot;
    }
    return next - setting->slot;
}

static i64 width_of(const MmlExperiment *experiment, const MmlSetting *setting) {
    if (setting->flags & MML_SETTING_LIST) return slots_of(experiment, setting);
    return setting->each ? experiment->modality_count : 1;
}

static void mark_given(MmlSettings *settings, const MmlSetting *setting) {
    i64 width = width_of(settings->experiment, setting);
    for (i64 i = 0; i < width; i++) settings->given[setting->slot + i] = 1;
}

static Status refuse_fixed(const MmlSettings *settings, const MmlSetting *setting, const char *text) {
    const char *option = setting->flags & MML_SETTING_PARAM ? "-D" : "--set";
    return mml_fail(MML_ECALL, "'%s' is decided when compiling; to change it: %s", setting->path,
                    mml_compile_call(settings->experiment, option, setting->path, text, settings->arena));
}

/* Cuts "a, b" at the commas outside of nothing: values hold none themselves. */
static char *next_item(char **rest) {
    char *item = *rest;
    if (!item) return NULL;
    char *comma = strchr(item, ',');
    if (comma) *comma = 0;
    *rest = comma ? comma + 1 : NULL;
    return item;
}

/* A copy without `each( … )` or `[ … ]` around it and without a unit behind the bracket. */
static char *unwrapped(MmlArena *arena, const char *text, const char *opening, char closing) {
    while (*text == ' ') text++;
    size_t length = strlen(opening);
    const char *end = strrchr(text, closing);
    if (!strncmp(text, opening, length) && end) return mml_arena_format(arena, "%.*s", (int)(end - text - (long)length),
            text + length);
    return mml_arena_format(arena, "%s", text);
}

static Status give_list(MmlSettings *settings, const MmlSetting *setting, const char *text) {
    const MmlExperiment *experiment = settings->experiment;
    char *rest = unwrapped(settings->arena, text, "[", ']');
    if (!rest) return MML_ENOMEM;
    if (!*rest) rest = NULL;
    i64 room = slots_of(experiment, setting) - 1, count = 0;
    for (char *item; (item = next_item(&rest));) {
        if (count == room)
            return mml_fail(MML_ECALL, "%s: at most %lld values fit this program; for more: %s", setting->path, (long long)room,
                            mml_compile_call(experiment, "--set", setting->path, text, settings->arena));
        MML_TRY(mml_value_parse(experiment, setting, item, &settings->values[setting->slot + 1 + count], settings->arena));
        count++;
    }
    settings->values[setting->slot].i = count;
    return MML_OK;
}

/* "audio=5,visual=100" or one value for all. A path may hold '=' itself, so
 * only a modality's own name in front of it makes it a value for one. */
static Status give_each(MmlSettings *settings, const MmlSetting *setting, const char *text) {
    const MmlExperiment *experiment = settings->experiment;
    i64 modalities = experiment->modality_count;
    MmlValue *values = &settings->values[setting->slot];
    u8 seen[MML_MAX_MODALITIES] = {0};
    char *rest = unwrapped(settings->arena, text, "each(", ')');
    if (!rest) return MML_ENOMEM;
    if (!strchr(rest, '=')) {
        MmlValue value;
        MML_TRY(mml_value_parse(experiment, setting, rest, &value, settings->arena));
        for (i64 m = 0; m < modalities; m++) values[m] = value;
        return MML_OK;
    }
    for (char *item; (item = next_item(&rest));) {
        char *equals = strchr(item, '=');
        i64 m = modalities;
        if (equals) {
            char *end = equals;
            while (end > item && end[-1] == ' ') end--;
            while (*item == ' ') item++;
            for (m = 0; m < modalities; m++) {
                const char *name = experiment->modalities[m].name;
                if (strlen(name) == (size_t)(end - item) && !strncmp(name, item, strlen(name))) break;
            }
        }
        if (m == modalities)
            return mml_fail(MML_ECALL, "%s: '%s' is not MODALITY=VALUE with one of this experiment's modalities", setting->path, text);
        MML_TRY(mml_value_parse(experiment, setting, equals + 1, &values[m], settings->arena));
        seen[m] = 1;
    }
    for (i64 m = 0; m < modalities; m++)
        if (!seen[m]) return mml_fail(MML_ECALL, "%s: no value for modality %s in '%s'", setting->path,
                                      experiment->modalities[m].name, text);
    return MML_OK;
}

static Status check_value(const MmlSettings *settings, const MmlSetting *setting, MmlValue value) {
    int held = mml_type_held(setting->type);
    if (!mml_setting_has_range(setting) || mml_value_is_word(setting, value)) return MML_OK;
    double number = held ? (double)value.i : value.r;
    if (number >= setting->low && number <= setting->high) return MML_OK;
    const char *range = mml_setting_range_text(settings->experiment, setting, settings->arena);
    const char *text = mml_value_text(settings->experiment, setting, value, settings->arena);
    return mml_fail(MML_ECALL, "%s: %s is out of range (%s; set by %s)", setting->path, text ? text : "", range ? range : "",
                    settings->given[setting->slot] ? "the command line" : setting->origin ? setting->origin : "a default");
}

static Status check_range(const MmlSettings *settings, const MmlSetting *setting) {
    const MmlValue *values = &settings->values[setting->slot];
    i64 first = setting->flags & MML_SETTING_LIST ? 1 : 0;
    i64 count = first ? values[0].i : width_of(settings->experiment, setting);
    for (i64 i = 0; i < count; i++) MML_TRY(check_value(settings, setting, values[first + i]));
    return MML_OK;
}

Status mml_setting_give(MmlSettings *settings, const MmlSetting *setting, const char *text) {
    if (setting->flags & MML_SETTING_FIXED) return refuse_fixed(settings, setting, text);
    if (setting->flags & MML_SETTING_LIST) MML_TRY(give_list(settings, setting, text));
    else if (setting->each) MML_TRY(give_each(settings, setting, text));
    else MML_TRY(mml_value_parse(settings->experiment, setting, text, &settings->values[setting->slot], settings->arena));
    mark_given(settings, setting);
    return check_range(settings, setting);
}

static Status check_required(const MmlSettings *settings) {
    const MmlExperiment *experiment = settings->experiment;
    const char *missing = "";
    int count = 0;
    for (i64 i = 0; i < experiment->setting_count; i++) {
        const MmlSetting *setting = &experiment->settings[i];
        if (!(setting->flags & MML_SETTING_REQUIRED) || settings->given[setting->slot]) continue;
        missing = mml_arena_format(settings->arena, "%s%s--%s %s", missing, count++ ? ", " : "", setting->path,
                                   mml_setting_type_text(setting, settings->arena));
        if (!missing) return MML_ENOMEM;
    }
    if (!count) return MML_OK;
    return mml_fail(MML_ECALL, "needed and not given: %s (see --help)", missing);
}

Status mml_settings_finish(MmlSettings *settings) {
    const MmlExperiment *experiment = settings->experiment;
    MML_TRY(check_required(settings));
    if (experiment->evaluate) experiment->evaluate(settings->values, settings->given, settings->text);
    const char *failure = mml_rule_failure();
    if (failure) return mml_fail(MML_ECALL, "%s", failure);
    for (i64 i = 0; i < experiment->setting_count; i++) MML_TRY(check_range(settings, &experiment->settings[i]));
    return MML_OK;
}

/* ---- Reads ---- */

#define LONGEST_PATH 512

__attribute__((format(printf, 2, 0)))
static const MmlSetting *find_formatted(const MmlSettings *s, const char *format, va_list arguments, char path[LONGEST_PATH]) {
    vsnprintf(path, LONGEST_PATH, format, arguments);
    return mml_setting_find(s->experiment, path);
}

static void must_exist(const MmlSetting *setting, const char *path) {
    if (setting) return;
    fprintf(stderr, "bug: no setting '%s' in this program\n", path);
    abort();
}

#define READ(setting)                                                    \
    char path_text[LONGEST_PATH];                                        \
    va_list arguments;                                                   \
    va_start(arguments, path);                                           \
    const MmlSetting *setting = find_formatted(s, path, arguments, path_text); \
    va_end(arguments)

i64 mml_int(const MmlSettings *s, const char *path, ...) {
    READ(setting);
    must_exist(setting, path_text);
    return s->values[setting->slot].i;
}

/* An int setting may stand where a real is read. */
double mml_real(const MmlSettings *s, const char *path, ...) {
    READ(setting);
    must_exist(setting, path_text);
    MmlValue value = s->values[setting->slot];
    return mml_type_held(setting->type) == 1 ? (double)value.i : value.r;
}

const char *mml_string(const MmlSettings *s, const char *path, ...) {
    READ(setting);
    must_exist(setting, path_text);
    const char *value = s->values[setting->slot].s;
    return value ? value : "";
}

const char *mml_word(const MmlSettings *s, const char *path, ...) {
    READ(setting);
    must_exist(setting, path_text);
    return mml_value_text(s->experiment, setting, s->values[setting->slot], s->arena);
}

int mml_has(const MmlSettings *s, const char *path, ...) {
    READ(setting);
    return setting != NULL;
}

const char *mml_setting_text(const MmlSettings *s, const MmlSetting *setting, MmlArena *arena) {
    const MmlValue *values = &s->values[setting->slot];
    int list = (setting->flags & MML_SETTING_LIST) != 0;
    i64 count = list ? values[0].i : width_of(s->experiment, setting);
    if (list) values++;
    const char *text = list ? "[" : "";
    for (i64 i = 0; i < count && text; i++)
        text = mml_arena_format(arena, "%s%s%s%s%s", text, i ? list ? ", " : "," : "",
                                setting->each ? s->experiment->modalities[i].name : "", setting->each ? "=" : "",
                                mml_value_text(s->experiment, setting, values[i], arena));
    return list && text ? mml_arena_format(arena, "%s]", text) : text;
}
