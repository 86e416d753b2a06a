#include "train/settings_text.h"

#include "train/json.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { const char *name; double factor; } Unit;

/* A row a type: how it is called, held, and which units it takes, its own first. */
typedef struct {
    const char *name;
    int         held;              /* 1 integer, 0 real, -1 text */
    Unit        units[4];
} TypeRow;

static const TypeRow types[] = {
    [MML_INT]       = {"int",       1, {{0}}},
    [MML_REAL]      = {"real",      0, {{0}}},
    [MML_BOOL]      = {"bool",      1, {{0}}},
    [MML_STRING]    = {"string",   -1, {{0}}},
    [MML_PATH]      = {"path",     -1, {{0}}},
    [MML_TIME]      = {"time",      0, {{"s", 1}, {"ms", 1e-3}}},
    [MML_FREQUENCY] = {"frequency", 0, {{"Hz", 1}, {"kHz", 1e3}}},
    [MML_EPOCHS]    = {"epochs",    1, {{"epochs", 1}, {"epoch", 1}}},
    [MML_STEPS]     = {"steps",     1, {{"steps", 1}, {"step", 1}}},
    [MML_BYTES]     = {"bytes",     1, {{"B", 1}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}}},
    [MML_SHARE]     = {"share",     0, {{"%", 1e-2}}},
    [MML_FPS]       = {"fps",       0, {{"fps", 1}}},
    [MML_MODALITY]  = {"modality",  1, {{0}}},
    [MML_WORD]      = {"word",      1, {{0}}},
};

#define UNITS (sizeof types[0].units / sizeof types[0].units[0])

/* Words that stand for a number, where the language has them. */
typedef struct { const char *ending, *word; i64 value; } NumberWord;
static const NumberWord number_words[] = {{".samples", "all", -1}};

int mml_type_held(i64 type) { return types[type].held; }

static const NumberWord *number_word(const MmlSetting *setting) {
    size_t length = strlen(setting->path);
    for (size_t i = 0; i < sizeof number_words / sizeof *number_words; i++) {
        size_t ending = strlen(number_words[i].ending);
        if (setting->type == MML_INT && length > ending && !strcmp(setting->path + length - ending, number_words[i].ending))
            return &number_words[i];
    }
    return NULL;
}

int mml_setting_has_range(const MmlSetting *setting) {
    return types[setting->type].held >= 0 && setting->type != MML_BOOL && setting->type != MML_WORD && setting->type != MML_MODALITY;
}

int mml_value_is_word(const MmlSetting *setting, MmlValue value) {
    const NumberWord *word = number_word(setting);
    return word && value.i == word->value;
}

const char *mml_setting_type_text(const MmlSetting *setting, MmlArena *arena) {
    const NumberWord *word = number_word(setting);
    if (word) return mml_arena_format(arena, "int|%s", word->word);
    const char *name = setting->type == MML_WORD && setting->words ? setting->words : types[setting->type].name;
    if (setting->each) return mml_arena_format(arena, "%s[modalities]", name);
    if (setting->flags & MML_SETTING_LIST) return mml_arena_format(arena, "list of %s", name);
    return name;
}

const char *mml_setting_range_text(const MmlExperiment *experiment, const MmlSetting *setting, MmlArena *arena) {
    int held = types[setting->type].held;
    if (!mml_setting_has_range(setting)) return "";
    int low = setting->low > -INFINITY, high = setting->high < INFINITY;
    MmlValue from = held ? (MmlValue){.i = low ? (i64)setting->low : 0} : (MmlValue){.r = setting->low};
    MmlValue to = held ? (MmlValue){.i = high ? (i64)setting->high : 0} : (MmlValue){.r = setting->high};
    const char *first = low ? mml_value_text(experiment, setting, from, arena) : "";
    const char *last = high ? mml_value_text(experiment, setting, to, arena) : "";
    if (low && high) return mml_arena_format(arena, "%s to %s", first, last);
    if (low) return mml_arena_format(arena, "at least %s", first);
    if (high) return mml_arena_format(arena, "at most %s", last);
    return "";
}

static Status expected(const MmlExperiment *experiment, const MmlSetting *setting, const char *text, MmlArena *arena) {
    const char *range = mml_setting_range_text(experiment, setting, arena);
    const char *type = mml_setting_type_text(setting, arena);
    if (setting->type == MML_MODALITY) {
        const char *names = "";
        for (i64 m = 0; m < experiment->modality_count; m++)
            names = mml_arena_format(arena, "%s%s%s", names, m ? "|" : "", experiment->modalities[m].name);
        type = names;
    }
    return mml_fail(MML_ECALL, "%s: '%s' is not a value of type %s%s%s%s", setting->path, text, type ? type : "",
                    range && *range ? " (" : "", range ? range : "", range && *range ? ")" : "");
}

/* A copy without surrounding blanks and without the underscores of 1_000. */
static char *tidy(const char *text, MmlArena *arena) {
    while (isspace((u8)*text)) text++;
    size_t length = strlen(text);
    while (length && isspace((u8)text[length - 1])) length--;
    char *copy = mml_arena_alloc(arena, length + 1);
    if (!copy) return NULL;
    size_t kept = 0;
    for (size_t i = 0; i < length; i++) {
        int between = text[i] == '_' && i && isdigit((u8)text[i - 1]) && i + 1 < length && isdigit((u8)text[i + 1]);
        if (!between) copy[kept++] = text[i];
    }
    copy[kept] = 0;
    return copy;
}

/* The factor of the unit that text is, its own when empty; 0 for no unit of this type. */
static double unit_factor(const TypeRow *type, const char *text) {
    while (isspace((u8)*text)) text++;
    if (!*text) return type->units[0].name ? type->units[0].factor : 1;
    for (size_t i = 0; i < UNITS && type->units[i].name; i++)
        if (!strcmp(type->units[i].name, text)) return type->units[i].factor;
    return 0;
}

static int word_index(const char *words, const char *text, i64 *out) {
    size_t length = strlen(text);
    i64 index = 0;
    for (const char *word = words; word; index++) {
        const char *bar = strchr(word, '|');
        size_t size = bar ? (size_t)(bar - word) : strlen(word);
        if (size == length && !strncmp(word, text, length)) {
            *out = index;
            return 1;
        }
        word = bar ? bar + 1 : NULL;
    }
    return 0;
}

static int parse_integer(const TypeRow *type, const char *text, i64 *out) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || errno) return 0;
    if (*end == '.' || *end == 'e') {                 /* 1.5 KiB, 1e3: whole after the unit */
        double real = strtod(text, &end) * unit_factor(type, end);
        if (!(fabs(real) < 0x1p53) || real != rint(real) || unit_factor(type, end) == 0) return 0;
        *out = (i64)real;
        return 1;
    }
    i64 factor = (i64)unit_factor(type, end);
    return factor != 0 && !__builtin_mul_overflow((i64)value, factor, out);
}

static int starts_number(const char *text) {
    if (*text == '-' || *text == '+') text++;
    return isdigit((u8)*text) || (*text == '.' && isdigit((u8)text[1])) || !strncmp(text, "inf", 3);
}

/* strtod takes hexadecimal too, which the language does not have. */
static int parse_real(const TypeRow *type, const char *text, double *out) {
    if (!starts_number(text) || text[strcspn(text, "xX")]) return 0;
    char *end;
    double value = strtod(text, &end);
    double factor = unit_factor(type, end);
    if (end == text || factor == 0 || isnan(value)) return 0;
    *out = factor == 1e-2 ? value / 100 : value * factor;
    return 1;
}

static int parse_bool(const char *text, i64 *out) {
    static const char *const words[] = {"false", "true", "no", "yes", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i], text)) {
            *out = (i64)(i & 1);
            return 1;
        }
    return 0;
}

static int parse_modality(const MmlExperiment *experiment, const char *text, i64 *out) {
    for (i64 m = 0; m < experiment->modality_count; m++)
        if (!strcmp(experiment->modalities[m].name, text)) {
            *out = m;
            return 1;
        }
    return 0;
}

Status mml_value_parse(const MmlExperiment *experiment, const MmlSetting *setting, const char *text, MmlValue *out,
                       MmlArena *arena) {
    const TypeRow *type = &types[setting->type];
    if (type->held < 0) {
        out->s = mml_arena_format(arena, "%s", text);
        return out->s ? MML_OK : MML_ENOMEM;
    }
    char *tidied = tidy(text, arena);
    if (!tidied) return MML_ENOMEM;
    const NumberWord *word = number_word(setting);
    if (word && !strcmp(tidied, word->word)) {
        out->i = word->value;
        return MML_OK;
    }
    int good = 0;
    switch (setting->type) {
        case MML_BOOL:     good = parse_bool(tidied, &out->i); break;
        case MML_MODALITY: good = parse_modality(experiment, tidied, &out->i); break;
        case MML_WORD:     good = word_index(setting->words, tidied, &out->i); break;
        default:           good = type->held ? parse_integer(type, tidied, &out->i) : parse_real(type, tidied, &out->r);
    }
    return good ? MML_OK : expected(experiment, setting, text, arena);
}

static const char *word_text(const char *words, i64 index, MmlArena *arena) {
    const char *word = words ? words : "";
    for (i64 i = 0; i < index; i++) {
        const char *bar = strchr(word, '|');
        if (!bar) return "?";
        word = bar + 1;
    }
    return mml_arena_format(arena, "%.*s", (int)strcspn(word, "|"), word);
}

/* The largest unit that divides the value. */
static const char *bytes_text(i64 value, MmlArena *arena) {
    static const char *const names[] = {"B", "KiB", "MiB", "GiB"};
    int unit = 0;
    while (unit < 3 && value && value % 1024 == 0) {
        value /= 1024;
        unit++;
    }
    return mml_arena_format(arena, "%lld %s", (long long)value, names[unit]);
}

/* The shortest percentage that brings the same share back. */
static const char *share_text(double value, MmlArena *arena) {
    char digits[32];
    double percent = value * 100;
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value * 100);
        percent = strtod(digits, NULL);
        if (percent / 100 == value) break;
    }
    mml_shortest(percent, digits);
    return mml_arena_format(arena, "%s %%", digits);
}

const char *mml_value_text(const MmlExperiment *experiment, const MmlSetting *setting, MmlValue value, MmlArena *arena) {
    const TypeRow *type = &types[setting->type];
    const NumberWord *word = number_word(setting);
    if (word && value.i == word->value) return word->word;
    const char *unit = type->units[0].name;
    char digits[32];
    switch (setting->type) {
        case MML_BOOL:     return value.i ? "true" : "false";
        case MML_STRING:
        case MML_PATH:     return value.s ? value.s : "";
        case MML_MODALITY: return value.i >= 0 && value.i < experiment->modality_count ? experiment->modalities[value.i].name : "?";
        case MML_WORD:     return word_text(setting->words, value.i, arena);
        case MML_BYTES:    return bytes_text(value.i, arena);
        case MML_SHARE:    return share_text(value.r, arena);
        default: break;
    }
    if (type->held) return mml_arena_format(arena, "%lld%s%s", (long long)value.i, unit ? " " : "", unit ? unit : "");
    mml_shortest(value.r, digits);
    return mml_arena_format(arena, "%s%s%s", digits, unit ? " " : "", unit ? unit : "");
}

/* As one word of a POSIX shell: in quotes if a character in it could mean something else. */
static const char *shell_word(MmlArena *arena, const char *text) {
    const char *plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=.,:/%@";
    if (*text && !text[strspn(text, plain)]) return text;
    char *word = mml_arena_alloc(arena, 4 * strlen(text) + 3), *end = word;
    if (!word) return text;
    *end++ = '\'';
    for (; *text; text++) {
        if (*text == '\'') end = stpcpy(end, "'\\'");
        *end++ = *text;
    }
    *end++ = '\'';
    *end = 0;
    return word;
}

const char *mml_compile_call(const MmlExperiment *experiment, const char *option, const char *path, const char *value,
                             MmlArena *arena) {
    const char *pair = mml_arena_format(arena, "%s=%s", path, value);
    return mml_arena_format(arena, "mmlc %s %s %s", option, shell_word(arena, pair ? pair : path),
                            shell_word(arena, experiment->file));
}
