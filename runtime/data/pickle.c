#include "data/pickle.h"

#include <stdlib.h>
#include <string.h>

/* NumPy's pickle of five arrays makes 200 values; what makes many more isn't one. */
#define VALUE_LIMIT 10000

enum { GLOBAL_RECONSTRUCT, GLOBAL_ARRAY, GLOBAL_DTYPE };

static const struct { const char *module, *name; int global; } globals[] = {
    { "numpy.core.multiarray",  "_reconstruct", GLOBAL_RECONSTRUCT },
    { "numpy._core.multiarray", "_reconstruct", GLOBAL_RECONSTRUCT },      /* since NumPy 2 */
    { "numpy",                  "ndarray",      GLOBAL_ARRAY },
    { "numpy",                  "dtype",        GLOBAL_DTYPE },
};

typedef struct {
    const char   *what;
    const u8     *at, *end;
    MmlArena     *arena;
    PickleValue **stack, **memo;     /* [VALUE_LIMIT]; memo holds NULL where nothing was put */
    i64           depth, memos, values;
} Machine;

/* What stands behind an opcode: `number`, little-endian, and for texts the bytes. */
typedef struct { i64 number; const u8 *text; } Operand;

/* ---- The stack ---- */

static Status malformed(const Machine *m, const char *why) {
    return mml_fail(MML_EDATA, "'%s' is damaged or no pickle of NumPy arrays: %s", m->what, why);
}

static Status make(Machine *m, PickleKind kind, PickleValue **out) {
    *out = NULL;
    if (++m->values > VALUE_LIMIT) return malformed(m, "it makes too many objects");
    *out = MML_NEW(m->arena, PickleValue, 1);
    if (!*out) return MML_ENOMEM;
    (*out)->kind = kind;
    return MML_OK;
}

static Status push(Machine *m, PickleValue *value) {
    if (m->depth == VALUE_LIMIT) return malformed(m, "it stacks too many objects");
    m->stack[m->depth++] = value;
    return MML_OK;
}

static Status push_new(Machine *m, PickleValue value) {
    PickleValue *made;
    MML_TRY(make(m, value.kind, &made));
    *made = value;
    return push(m, made);
}

static Status pop(Machine *m, PickleValue **out) {
    *out = NULL;
    if (m->depth == 0 || m->stack[m->depth - 1]->kind == PICKLE_MARK) return malformed(m, "its stack runs empty");
    *out = m->stack[--m->depth];
    return MML_OK;
}

static Status append(Machine *m, PickleValue *container, PickleValue *item) {
    PickleValue **items = MML_GROW(m->arena, container->items, container->length, &container->capacity, 4);
    if (!items) return MML_ENOMEM;
    container->items = items;
    container->items[container->length++] = item;
    return MML_OK;
}

/* The place behind the last mark; the mark itself is taken away by who asks. */
static Status find_mark(const Machine *m, i64 *first) {
    i64 i = m->depth;
    *first = 0;
    while (i > 0 && m->stack[i - 1]->kind != PICKLE_MARK) i--;
    if (i == 0) return malformed(m, "a mark is missing");
    *first = i;
    return MML_OK;
}

/* Appends what stands from `first` on to the container; the stack then ends at `keep`. */
static Status gather(Machine *m, PickleValue *container, i64 first, i64 keep) {
    for (i64 i = first; i < m->depth; i++) MML_TRY(append(m, container, m->stack[i]));
    m->depth = keep;
    return MML_OK;
}

/* ---- Opcodes ---- */

static Status nothing(Machine *m, const Operand *o) { return MML_OK; }
static Status mark(Machine *m, const Operand *o) { return push_new(m, (PickleValue){ .kind = PICKLE_MARK }); }
static Status none(Machine *m, const Operand *o) { return push_new(m, (PickleValue){ .kind = PICKLE_NONE }); }
static Status newtrue(Machine *m, const Operand *o) { return push_new(m, (PickleValue){ .kind = PICKLE_BOOL, .integer = 1 }); }
static Status newfalse(Machine *m, const Operand *o) { return push_new(m, (PickleValue){ .kind = PICKLE_BOOL }); }
static Status empty_list(Machine *m, const Operand *o) { return push_new(m, (PickleValue){ .kind = PICKLE_LIST }); }
static Status empty_dict(Machine *m, const Operand *o) { return push_new(m, (PickleValue){ .kind = PICKLE_DICT }); }

static Status integer(Machine *m, const Operand *o) {
    return push_new(m, (PickleValue){ .kind = PICKLE_INTEGER, .integer = o->number });
}

static Status integer4(Machine *m, const Operand *o) {
    return push_new(m, (PickleValue){ .kind = PICKLE_INTEGER, .integer = (int32_t)(u32)o->number });
}

/* Two's complement of `number` bytes. */
static Status long1(Machine *m, const Operand *o) {
    u64 value = 0;
    if (o->number > 8) return malformed(m, "an integer of more than 64 bits");
    for (i64 i = 0; i < o->number; i++) value |= (u64)o->text[i] << 8 * i;
    if (o->number > 0 && o->number < 8 && o->text[o->number - 1] & 0x80) value |= ~(u64)0 << 8 * o->number;
    return push_new(m, (PickleValue){ .kind = PICKLE_INTEGER, .integer = (i64)value });
}

static Status text(Machine *m, const Operand *o) {
    return push_new(m, (PickleValue){ .kind = PICKLE_TEXT, .text = o->text, .length = o->number });
}

static Status small_tuple(Machine *m, i64 count) {
    PickleValue *tuple;
    MML_TRY(make(m, PICKLE_TUPLE, &tuple));
    for (i64 i = 0; i < count; i++)
        if (m->depth <= i || m->stack[m->depth - 1 - i]->kind == PICKLE_MARK) return malformed(m, "its stack runs empty");
    MML_TRY(gather(m, tuple, m->depth - count, m->depth - count));
    return push(m, tuple);
}

static Status tuple0(Machine *m, const Operand *o) { return small_tuple(m, 0); }
static Status tuple1(Machine *m, const Operand *o) { return small_tuple(m, 1); }
static Status tuple2(Machine *m, const Operand *o) { return small_tuple(m, 2); }
static Status tuple3(Machine *m, const Operand *o) { return small_tuple(m, 3); }

static Status tuple(Machine *m, const Operand *o) {
    PickleValue *made;
    i64 first;
    MML_TRY(find_mark(m, &first));
    MML_TRY(make(m, PICKLE_TUPLE, &made));
    MML_TRY(gather(m, made, first, first - 1));
    return push(m, made);
}

/* `keep` objects stay below, the last of them the container that takes the rest. */
static Status take_into(Machine *m, PickleKind kind, i64 first, i64 keep) {
    if (keep < 1 || m->stack[keep - 1]->kind != kind) return malformed(m, "items for what takes none");
    if (kind == PICKLE_DICT && (m->depth - first) % 2 != 0) return malformed(m, "a key without a value");
    return gather(m, m->stack[keep - 1], first, keep);
}

static Status append_one(Machine *m, const Operand *o) { return take_into(m, PICKLE_LIST, m->depth - 1, m->depth - 1); }
static Status set_one(Machine *m, const Operand *o) { return take_into(m, PICKLE_DICT, m->depth - 2, m->depth - 2); }

static Status append_all(Machine *m, const Operand *o) {
    i64 first;
    MML_TRY(find_mark(m, &first));
    return take_into(m, PICKLE_LIST, first, first - 1);
}

static Status set_all(Machine *m, const Operand *o) {
    i64 first;
    MML_TRY(find_mark(m, &first));
    return take_into(m, PICKLE_DICT, first, first - 1);
}

/* ---- Memo ---- */

static Status put_at(Machine *m, i64 place) {
    if (m->depth == 0) return malformed(m, "its stack runs empty");
    if (place >= VALUE_LIMIT) return malformed(m, "it remembers too many objects");
    m->memo[place] = m->stack[m->depth - 1];
    return MML_OK;
}

static Status memo_put(Machine *m, const Operand *o) { return put_at(m, o->number); }
static Status memoize(Machine *m, const Operand *o) { return put_at(m, m->memos++); }

static Status memo_get(Machine *m, const Operand *o) {
    if (o->number >= VALUE_LIMIT || !m->memo[o->number]) return malformed(m, "it recalls what it never put away");
    return push(m, m->memo[o->number]);
}

/* ---- Names, and what they stand for ---- */

static Status refuse_name(const Machine *m, const u8 *module, i64 module_length, const u8 *name, i64 name_length) {
    return mml_fail(MML_EDATA, "'%s' names '%.*s %.*s'; a pickle is a program, and this one is refused: only NumPy's arrays are taken",
                    m->what, (int)(module_length > 100 ? 100 : module_length), (const char *)module,
                    (int)(name_length > 100 ? 100 : name_length), (const char *)name);
}

static Status push_name(Machine *m, const u8 *module, i64 module_length, const u8 *name, i64 name_length) {
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if ((i64)strlen(globals[i].module) == module_length && memcmp(globals[i].module, module, (size_t)module_length) == 0 &&
            (i64)strlen(globals[i].name) == name_length && memcmp(globals[i].name, name, (size_t)name_length) == 0)
            return push_new(m, (PickleValue){ .kind = PICKLE_GLOBAL, .integer = globals[i].global });
    return refuse_name(m, module, module_length, name, name_length);
}

/* "module\nname\n" stands behind the opcode. */
static Status global(Machine *m, const Operand *o) {
    const u8 *module = m->at, *break1 = memchr(module, '\n', (size_t)(m->end - module));
    const u8 *break2 = break1 ? memchr(break1 + 1, '\n', (size_t)(m->end - break1 - 1)) : NULL;
    if (!break2) return malformed(m, "a name that never ends");
    m->at = break2 + 1;
    return push_name(m, module, break1 - module, break1 + 1, break2 - break1 - 1);
}

static Status stack_global(Machine *m, const Operand *o) {
    PickleValue *module, *name;
    MML_TRY(pop(m, &name));
    MML_TRY(pop(m, &module));
    if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT) return malformed(m, "a name that is no text");
    return push_name(m, module->text, module->length, name->text, name->length);
}

static Status reduce(Machine *m, const Operand *o) {
    PickleValue *arguments, *function, *made;
    MML_TRY(pop(m, &arguments));
    MML_TRY(pop(m, &function));
    if (function->kind != PICKLE_GLOBAL || arguments->kind != PICKLE_TUPLE || function->integer == GLOBAL_ARRAY)
        return malformed(m, "a call of what can't be called");
    MML_TRY(make(m, function->integer == GLOBAL_DTYPE ? PICKLE_DTYPE : PICKLE_ARRAY, &made));
    if (made->kind == PICKLE_DTYPE) {
        if (arguments->length < 1 || arguments->items[0]->kind != PICKLE_TEXT) return malformed(m, "a data type without its name");
        made->text = arguments->items[0]->text;
        made->length = arguments->items[0]->length;
    }
    return push(m, made);
}

/* An array takes (version, shape, type, Fortran order, values), a type (version, byte order, …). */
static Status build(Machine *m, const Operand *o) {
    PickleValue *state, *object;
    MML_TRY(pop(m, &state));
    MML_TRY(pop(m, &object));
    if (state->kind != PICKLE_TUPLE) return malformed(m, "an object built of no tuple");
    if (object->kind == PICKLE_ARRAY) {
        if (state->length != 5 || state->items[1]->kind != PICKLE_TUPLE || state->items[2]->kind != PICKLE_DTYPE ||
            state->items[3]->kind != PICKLE_BOOL)
            return malformed(m, "an array whose parts are not NumPy's");
        object->type = state->items[2];
    } else if (object->kind != PICKLE_DTYPE || state->length < 2 || state->items[1]->kind != PICKLE_TEXT) {
        return malformed(m, "parts for what takes none");
    }
    object->state = state;
    return push(m, object);
}

/* ---- The machine ---- */

/* What follows an opcode: a number of that many bytes, or as many bytes of text
 * as a number of that many bytes says. */
typedef struct { u8 code; u8 number, text; Status (*act)(Machine *m, const Operand *operand); } Opcode;

static const Opcode opcodes[] = {
    { 0x80, 1, 0, nothing },      /* PROTO */            { 0x95, 8, 0, nothing },      /* FRAME */
    { '(',  0, 0, mark },                                { 'N',  0, 0, none },
    { 0x88, 0, 0, newtrue },                             { 0x89, 0, 0, newfalse },
    { 'J',  4, 0, integer4 },     /* BININT */           { 'K',  1, 0, integer },      /* BININT1 */
    { 'M',  2, 0, integer },      /* BININT2 */          { 0x8a, 0, 1, long1 },
    { 'U',  0, 1, text },         /* SHORT_BINSTRING */  { 'T',  0, 4, text },         /* BINSTRING */
    { 'X',  0, 4, text },         /* BINUNICODE */       { 0x8c, 0, 1, text },         /* SHORT_BINUNICODE */
    { 0x8d, 0, 8, text },         /* BINUNICODE8 */      { 'C',  0, 1, text },         /* SHORT_BINBYTES */
    { 'B',  0, 4, text },         /* BINBYTES */         { 0x8e, 0, 8, text },         /* BINBYTES8 */
    { ')',  0, 0, tuple0 },       /* EMPTY_TUPLE */      { 0x85, 0, 0, tuple1 },
    { 0x86, 0, 0, tuple2 },                              { 0x87, 0, 0, tuple3 },
    { 't',  0, 0, tuple },                               { ']',  0, 0, empty_list },
    { 'a',  0, 0, append_one },                          { 'e',  0, 0, append_all },
    { '}',  0, 0, empty_dict },                          { 's',  0, 0, set_one },
    { 'u',  0, 0, set_all },                             { 'q',  1, 0, memo_put },     /* BINPUT */
    { 'r',  4, 0, memo_put },     /* LONG_BINPUT */      { 0x94, 0, 0, memoize },
    { 'h',  1, 0, memo_get },     /* BINGET */           { 'j',  4, 0, memo_get },     /* LONG_BINGET */
    { 'c',  0, 0, global },                              { 0x93, 0, 0, stack_global },
    { 'R',  0, 0, reduce },                              { 'b',  0, 0, build },
};

static Status read_operand(Machine *m, const Opcode *opcode, Operand *out) {
    i64 bytes = opcode->number + opcode->text;
    u64 number = 0;
    if (bytes > m->end - m->at) return malformed(m, "it breaks off");
    for (i64 i = 0; i < bytes; i++) number |= (u64)m->at[i] << 8 * i;
    m->at += bytes;
    *out = (Operand){ (i64)(number & INT64_MAX), m->at };
    if (!opcode->text) return MML_OK;
    if (number > (u64)(m->end - m->at)) return malformed(m, "it breaks off within a text");
    m->at += number;
    return MML_OK;
}

static const Opcode *opcode_of(u8 code) {
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++)
        if (opcodes[i].code == code) return &opcodes[i];
    return NULL;
}

static Status run(Machine *m, const PickleValue **out) {
    while (m->at < m->end) {
        u8 code = *m->at++;
        if (code == '.') {
            PickleValue *top;
            MML_TRY(pop(m, &top));
            *out = top;
            return MML_OK;
        }
        const Opcode *opcode = opcode_of(code);
        Operand operand;
        if (!opcode)
            return mml_fail(MML_EDATA, "'%s' is damaged or no pickle of NumPy arrays: opcode 0x%02x is none that they need", m->what, code);
        MML_TRY(read_operand(m, opcode, &operand));
        MML_TRY(opcode->act(m, &operand));
    }
    return malformed(m, "it breaks off");
}

Status mml_pickle_read(const char *what, const u8 *bytes, i64 count, MmlArena *arena, const PickleValue **out) {
    Machine machine = { .what = what, .at = bytes, .end = bytes + count, .arena = arena,
                        .stack = calloc(VALUE_LIMIT, sizeof(PickleValue *)), .memo = calloc(VALUE_LIMIT, sizeof(PickleValue *)) };
    Status status = machine.stack && machine.memo ? run(&machine, out) : mml_fail(MML_ENOMEM, "no memory to read '%s'", what);
    free(machine.stack);
    free(machine.memo);
    return status;
}

/* ---- Looking at the result ---- */

static int is_text(const PickleValue *value, const char *word) {
    return value->kind == PICKLE_TEXT && value->length == (i64)strlen(word) && memcmp(value->text, word, (size_t)value->length) == 0;
}

const PickleValue *mml_pickle_get(const PickleValue *dict, const char *key) {
    for (i64 i = 0; dict->kind == PICKLE_DICT && i + 1 < dict->length; i += 2)
        if (is_text(dict->items[i], key)) return dict->items[i + 1];
    return NULL;
}

const PickleValue *mml_pickle_object(const PickleValue *array) {
    if (array->kind != PICKLE_ARRAY || !array->state) return NULL;
    const PickleValue *shape = array->state->items[1], *values = array->state->items[4];
    return shape->length == 0 && values->kind == PICKLE_LIST && values->length == 1 ? values->items[0] : NULL;
}

static Status read_shape(const char *what, const PickleValue *shape, NpyArray *out) {
    out->count = 1;
    out->rank = shape->length;
    if (out->rank > NPY_RANK) return mml_fail(MML_EDATA, "'%s' has more than %d axes", what, NPY_RANK);
    for (i64 i = 0; i < out->rank; i++) {
        out->size[i] = shape->items[i]->integer;
        if (shape->items[i]->kind != PICKLE_INTEGER || out->size[i] < 0 || __builtin_mul_overflow(out->count, out->size[i], &out->count))
            return mml_fail(MML_EDATA, "'%s' is damaged: the sizes of its shape make no sense", what);
    }
    return MML_OK;
}

static Status read_type(const char *what, const PickleValue *type, NpyArray *out) {
    char code[32];
    if (type->length >= (i64)sizeof code) return mml_fail(MML_EDATA, "'%s' is of a type with a name too long", what);
    memcpy(code, type->text, (size_t)type->length);
    code[type->length] = 0;
    MML_TRY(mml_npy_type(what, code, &out->kind, &out->item));
    if (out->kind == NPY_OBJECT) return mml_fail(MML_EDATA, "'%s' holds Python objects, not numbers", what);
    out->swapped = type->state && is_text(type->state->items[1], __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ">" : "<");
    return MML_OK;
}

Status mml_pickle_view(const char *what, const PickleValue *value, NpyArray *out) {
    *out = (NpyArray){ .what = what };
    if (value->kind != PICKLE_ARRAY || !value->state) return mml_fail(MML_EDATA, "'%s' is no array", what);
    const PickleValue *const *parts = (const PickleValue *const *)value->state->items;
    MML_TRY(read_type(what, value->type, out));
    MML_TRY(read_shape(what, parts[1], out));
    i64 bytes;
    if (__builtin_mul_overflow(out->count, out->item, &bytes) || parts[4]->kind != PICKLE_TEXT || parts[4]->length != bytes)
        return mml_fail(MML_EDATA, "'%s' is damaged: its shape and the bytes of its values disagree", what);
    out->fortran = parts[3]->integer != 0;
    out->values = (u8 *)parts[4]->text;
    return MML_OK;
}

Status mml_pickle_array(const char *what, const PickleValue *value, NpyArray *out) {
    MML_TRY(mml_pickle_view(what, value, out));
    i64 bytes = out->count * out->item;
    const u8 *there = out->values;
    out->values = malloc((size_t)bytes + 1);
    if (!out->values) return mml_fail(MML_ENOMEM, "no memory for '%s'", what);
    if (bytes) memcpy(out->values, there, (size_t)bytes);
    return mml_npy_settle(out);
}
