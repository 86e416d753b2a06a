#define _GNU_SOURCE
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "driver/explain.h"
#include "sema/values.h"

/* ---- Values ---- */

static int peek(const Explanation *x, const Value *value, Value *out) {
    Sema sema = {.arena = x->arena, .names = x->names, .diagnostics = x->diagnostics, .program = x->program};
    return value_peek(&sema, value, out);
}

/* As in a program: the fewest digits that read back as the same number. */
static const char *real_text(Arena *arena, double real) {
    char text[40], *exponent;
    if (real == floor(real) && fabs(real) < 1e15) return arena_printf(arena, "%.0f", real);
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real) break;
    }
    if (!(exponent = strchr(text, 'e'))) return arena_copy(arena, text, strlen(text));
    return arena_printf(arena, "%.*s%d", (int)(exponent + 1 - text), text, atoi(exponent + 1));
}

static const char *frequency_text(Arena *arena, double hertz) {
    int kilo = hertz != 0 && fmod(hertz, 1000) == 0;
    return arena_printf(arena, "%s %s", real_text(arena, kilo ? hertz / 1000 : hertz), kilo ? "kHz" : "Hz");
}

static const char *with_unit(Arena *arena, const char *number, const char *unit) {
    return arena_printf(arena, "%s %s", number, unit);
}

static const char *quoted(Arena *arena, const char *text) {
    char *out = arena_alloc(arena, 2 * strlen(text) + 3), *at = out;
    *at++ = '"';
    for (; *text; text++) {
        if (strchr("\"\\{}\n\t", *text)) *at++ = '\\';
        *at++ = *text == '\n' ? 'n' : *text == '\t' ? 't' : *text;
    }
    *at = '"';
    return out;
}

static const char *word_at(Arena *arena, const char *words, int64_t index) {
    for (; words && index > 0 && *words; index--) {
        words += strcspn(words, "|");
        words += *words == '|';
    }
    return words ? arena_copy(arena, words, strcspn(words, "|")) : "";
}

/* A size in the largest unit that divides it. */
static const char *size_text(Arena *arena, int64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    int unit = 0;
    for (; unit < 3 && bytes && bytes % 1024 == 0; unit++) bytes /= 1024;
    return arena_printf(arena, "%lld %s", (long long)bytes, units[unit]);
}

static int ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

static const char *folded_text(const Explanation *x, const Setting *setting, const Value *value) {
    const Program *program = x->program;
    switch (value->kind) {
    case VALUE_TEXT:
        return quoted(x->arena, value->text);
    case VALUE_EACH: {
        const char *text = "each(";
        for (int i = 0; i < value->count; i++)
            text = arena_printf(x->arena, "%s%s%s = %s", text, i ? ", " : "", program->modalities.items[i].name, folded_text(x, setting, value->operands[i]));
        return arena_printf(x->arena, "%s)", text);
    }
    case VALUE_REAL: {
        const char *number = real_text(x->arena, value->real);
        switch (setting->type.kind) {
        case TYPE_TIME:      return with_unit(x->arena, number, "s");
        case TYPE_FREQUENCY: return frequency_text(x->arena, value->real);
        case TYPE_FPS:       return with_unit(x->arena, number, "fps");
        case TYPE_SHARE:     return with_unit(x->arena, real_text(x->arena, round(value->real * 1e14) / 1e12), "%");
        default:             return strpbrk(number, ".ein") ? number : arena_printf(x->arena, "%s.0", number);
        }
    }
    default:
        break;
    }
    const char *number = arena_printf(x->arena, "%lld", (long long)value->integer);
    switch (setting->type.kind) {
    case TYPE_BOOL:     return value->integer ? "true" : "false";
    case TYPE_EPOCHS:   return with_unit(x->arena, number, "epochs");
    case TYPE_STEPS:    return with_unit(x->arena, number, "steps");
    case TYPE_BYTES:    return size_text(x->arena, value->integer);
    case TYPE_WORD:     return word_at(x->arena, setting->words, value->integer);
    case TYPE_MODALITY: return value->integer >= 0 && value->integer < program->modalities.count ? program->modalities.items[value->integer].name : number;
    default:            return value->integer == -1 && ends_with(setting->path, ".samples") ? "all" : number;
    }
}

static const char *element_text(const Explanation *x, const Setting *setting, const Value *value) {
    Value folded;
    if (peek(x, value, &folded)) return folded_text(x, setting, &folded);
    return value->span.source ? source_slice(x->arena, value->span) : "";
}

const char *setting_value_text(const Explanation *x, const Setting *setting) {
    if (!(setting->flags & SETTING_LIST)) return setting->value ? element_text(x, setting, setting->value) : "";
    const char *text = "[";
    for (int i = 0; i < setting->list.count; i++)
        text = arena_printf(x->arena, "%s%s%s", text, i ? ", " : "", element_text(x, setting, setting->list.items[i]));
    return arena_printf(x->arena, "%s]", text);
}

static int reads_setting(const Value *value) {
    if (value->kind == VALUE_SETTING) return 1;
    for (int i = 0; i < value->count; i++)
        if (reads_setting(value->operands[i])) return 1;
    return 0;
}

const char *setting_source_text(const Explanation *x, const Setting *setting) {
    Value folded;
    const Value *value = setting->value;
    if (!strchr(setting->origin, ':')) return NULL;               /* inherited as it is */
    if (!value || !value->span.source || value->span.source->library || !reads_setting(value) || !peek(x, value, &folded)) return NULL;
    return source_slice(x->arena, value->span);
}

int64_t setting_int(const Explanation *x, const char *path, int64_t fallback) {
    for (int i = 0; i < x->program->settings.count; i++) {
        const Setting *setting = &x->program->settings.items[i];
        Value folded;
        if (strcmp(setting->path, path) == 0) return setting->value && peek(x, setting->value, &folded) ? folded.integer : fallback;
    }
    return fallback;
}

/* ---- Costs ---- */

static const char *const layer_names[] = {
#define LAYER(kind, name) name,
#include "sema/layers.def"
#undef LAYER
};

const char *layer_name(LayerKind kind) { return layer_names[kind]; }

int64_t layer_parameters(const Program *program, const Layer *layer) {
    int64_t count = 0;
    for (int i = 0; i < 4; i++)
        if (layer->parameters[i] >= 0) count += program->parameters.items[layer->parameters[i]].count;
    return count;
}

Cost network_cost(const Program *program, const Network *network, const char *name, size_t length) {
    Cost cost = {0};
    for (int i = 0; i < network->layers.count; i++) {
        const Layer *layer = &network->layers.items[i];
        if (length && (!layer->name || strncmp(layer->name, name, length) != 0 || (layer->name[length] != '.' && layer->name[length]))) continue;
        cost.layers++;
        cost.parameters += layer_parameters(program, layer);
        cost.flops      += layer->flops;
    }
    return cost;
}

/* ---- Numbers ---- */

const char *count_text(Arena *arena, int64_t count) {
    const char *digits = arena_printf(arena, "%lld", (long long)count);
    size_t length = strlen(digits), groups = (length - 1) / 3;
    char *text = arena_alloc(arena, length + groups + 1), *at = text;
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) *at++ = ',';
        *at++ = digits[i];
    }
    return text;
}

static const char *scaled_text(Arena *arena, double number, double step, const char *const *units, int count) {
    int unit = 0;
    for (; unit + 1 < count && number >= step; unit++) number /= step;
    return arena_printf(arena, unit ? "%.3g %s" : "%.0f %s", number, units[unit]);
}

const char *bytes_text(Arena *arena, int64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    return scaled_text(arena, (double)bytes, 1024, units, 5);
}

const char *flops_text(Arena *arena, int64_t flops) {
    static const char *const units[] = {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"};
    return scaled_text(arena, (double)flops, 1000, units, 5);
}

const Layer *next_convolution(const Network *network, int *at) {
    while (*at < network->layers.count) {
        const Layer *layer = &network->layers.items[(*at)++];
        if (layer->kind == LAYER_CONV) return layer;
    }
    return NULL;
}

int thread_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}
