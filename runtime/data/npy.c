#include "data/npy.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Types ---- */

typedef struct { char letter; NpyKind kind; const char *sizes; const char *name; } TypeRow;

static const TypeRow types[] = {
    { 'b', NPY_BOOL,   "1",    "bool"  },
    { 'i', NPY_INT,    "1248", "int"   },
    { 'u', NPY_UINT,   "1248", "uint"  },
    { 'f', NPY_FLOAT,  "248",  "float" },
    { 'O', NPY_OBJECT, "48",   "objects" },
};

#define TEXTS "texts", "number them: numpy.unique(x, return_inverse = True)[1]"
#define NUMBERS "save it as integers or floats"
static const struct { char letter; const char *name, *remedy; } foreign[] = {
    { 'c', "complex numbers", NUMBERS }, { 'U', TEXTS }, { 'S', TEXTS }, { 'a', TEXTS }, { 'M', "dates", NUMBERS },
    { 'm', "durations", NUMBERS }, { 'V', "records", NUMBERS }, { 'g', "floats of 128 bits", NUMBERS },
};

Status mml_npy_type(const char *what, const char *code, NpyKind *kind, i64 *item) {
    if (strcmp(code, "O") == 0) code = "O8";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (code[0] == types[i].letter && code[1] && !code[2] && strchr(types[i].sizes, code[1])) {
            *kind = types[i].kind;
            *item = code[1] - '0';
            return MML_OK;
        }
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (code[0] == foreign[i].letter)
            return mml_fail(MML_EDATA, "'%s' holds %s (%.20s); %s", what, foreign[i].name, code, foreign[i].remedy);
    return mml_fail(MML_EDATA, "'%s' is of type '%.20s'; what can be read are bool, int8 … int64, uint8 … uint64, float16, float32 and float64",
                    what, code);
}

const char *mml_npy_type_text(const NpyArray *array, MmlArena *arena) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].kind == array->kind)
            return array->kind == NPY_BOOL || array->kind == NPY_OBJECT
                     ? types[i].name : mml_arena_format(arena, "%s%lld", types[i].name, 8 * (long long)array->item);
    return "unknown";
}

/* ---- The header: a dict as Python prints it ---- */

typedef struct { const char *what, *at, *end; } Text;

static Status malformed(const Text *t) {
    return mml_fail(MML_EDATA, "'%s' is damaged: its header is no NPY header", t->what);
}

static void skip_blanks(Text *t) {
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t')) t->at++;
}

static int take(Text *t, const char *token) {
    size_t length = strlen(token);
    skip_blanks(t);
    if ((size_t)(t->end - t->at) < length || memcmp(t->at, token, length) != 0) return 0;
    t->at += length;
    return 1;
}

/* A quoted text of fewer than `room` characters. */
static int take_quoted(Text *t, char *out, i64 room) {
    skip_blanks(t);
    if (t->at == t->end || (*t->at != '\'' && *t->at != '"')) return 0;
    char quote = *t->at++;
    i64 length = 0;
    while (t->at < t->end && *t->at != quote && length < room - 1) out[length++] = *t->at++;
    out[length] = 0;
    return t->at < t->end && *t->at++ == quote;
}

static Status take_shape(Text *t, NpyArray *out) {
    if (!take(t, "(")) return malformed(t);
    while (!take(t, ")")) {
        i64 size = 0, digits = 0;
        skip_blanks(t);
        for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++, digits++)
            if (__builtin_mul_overflow(size, 10, &size) || __builtin_add_overflow(size, *t->at - '0', &size))
                return mml_fail(MML_EDATA, "'%s' is damaged: a size in its header overflows", t->what);
        if (!digits) return malformed(t);
        if (out->rank == NPY_RANK) return mml_fail(MML_EDATA, "'%s' has more than %d axes", t->what, NPY_RANK);
        out->size[out->rank++] = size;
        take(t, "L");                          /* as Python 2 wrote long integers */
        if (take(t, ",")) continue;
        if (!take(t, ")")) return malformed(t);
        break;
    }
    return MML_OK;
}

/* "<f4": byte order and type. '|' and '=' mean this machine's. */
static Status read_descr(Text *t, int objects, NpyArray *out) {
    char code[32];
    skip_blanks(t);
    if (t->at < t->end && *t->at == '[')
        return mml_fail(MML_EDATA, "'%s' holds records; save each column as an array of its own", t->what);
    if (!take_quoted(t, code, sizeof code)) return malformed(t);
    const char other_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<';
    const char *type = code;
    if (*type && strchr("<>|=", *type)) out->swapped = *type++ == other_order;
    MML_TRY(mml_npy_type(t->what, type, &out->kind, &out->item));
    if (out->kind == NPY_OBJECT && !objects)
        return mml_fail(MML_EDATA, "'%s' holds Python objects; save it as an array of numbers (numpy.asarray(x, dtype = …))", t->what);
    return MML_OK;
}

static Status read_dict(Text *t, int objects, NpyArray *out) {
    enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
    int seen = 0;
    if (!take(t, "{")) return malformed(t);
    while (!take(t, "}")) {
        char key[32];
        if (!take_quoted(t, key, sizeof key) || !take(t, ":")) return malformed(t);
        if (strcmp(key, "descr") == 0) {
            MML_TRY(read_descr(t, objects, out));
            seen |= DESCR;
        } else if (strcmp(key, "fortran_order") == 0) {
            out->fortran = take(t, "True");
            if (!out->fortran && !take(t, "False")) return malformed(t);
            seen |= ORDER;
        } else if (strcmp(key, "shape") == 0) {
            if (seen & SHAPE) return malformed(t);
            MML_TRY(take_shape(t, out));
            seen |= SHAPE;
        } else {
            return malformed(t);
        }
        take(t, ",");
    }
    return seen == (DESCR | ORDER | SHAPE) ? MML_OK : malformed(t);
}

Status mml_npy_length(const char *what, const u8 *prefix, i64 *length) {
    if (memcmp(prefix, "\x93NUMPY", 6) != 0) return mml_fail(MML_EDATA, "'%s' is no NPY array: it doesn't begin like one", what);
    u32 two = prefix[8] | (u32)prefix[9] << 8;
    if (prefix[6] == 1) *length = 10 + (i64)two;
    else if (prefix[6] == 2 || prefix[6] == 3) *length = 12 + (i64)(two | (u32)prefix[10] << 16 | (u32)prefix[11] << 24);
    else return mml_fail(MML_EDATA, "'%s' is of NPY version %d; 1, 2 and 3 can be read", what, prefix[6]);
    if (*length < NPY_PREFIX || *length > NPY_HEADER_LIMIT)
        return mml_fail(MML_EDATA, "'%s' is damaged: a header of %lld bytes", what, (long long)*length);
    return MML_OK;
}

Status mml_npy_header(const char *what, const u8 *header, i64 length, int objects, NpyArray *out) {
    *out = (NpyArray){ .what = what };
    i64 start = header[6] == 1 ? 10 : 12, bytes;
    Text t = { what, (const char *)header + start, (const char *)header + length };
    MML_TRY(read_dict(&t, objects, out));
    skip_blanks(&t);
    if (t.at != t.end) return malformed(&t);
    out->count = 1;
    for (i64 i = 0; i < out->rank; i++)
        if (__builtin_mul_overflow(out->count, out->size[i], &out->count))
            return mml_fail(MML_EDATA, "'%s' is damaged: the sizes in its header overflow", what);
    if (__builtin_mul_overflow(out->count, out->item, &bytes))
        return mml_fail(MML_EDATA, "'%s' is damaged: the sizes in its header overflow", what);
    return MML_OK;
}

/* ---- Order ---- */

static void swap_bytes(u8 *values, i64 count, i64 item) {
    for (i64 i = 0; i < count; i++, values += item)
        for (i64 a = 0, b = item - 1; a < b; a++, b--) {
            u8 byte = values[a];
            values[a] = values[b];
            values[b] = byte;
        }
}

/* Counts through the elements in C order and picks each from its place in Fortran order. */
static void to_c_order(const NpyArray *array, u8 *out) {
    i64 index[NPY_RANK] = { 0 }, stride[NPY_RANK], from = 0;
    for (i64 i = 0, step = 1; i < array->rank; i++) {
        stride[i] = step;
        step *= array->size[i];
    }
    for (i64 n = 0; n < array->count; n++, out += array->item) {
        memcpy(out, array->values + from * array->item, (size_t)array->item);
        for (i64 axis = array->rank - 1; axis >= 0; axis--) {
            from += stride[axis];
            if (++index[axis] < array->size[axis]) break;
            from -= stride[axis] * array->size[axis];
            index[axis] = 0;
        }
    }
}

Status mml_npy_settle(NpyArray *array) {
    if (array->swapped && array->item > 1) swap_bytes(array->values, array->count, array->item);
    array->swapped = 0;
    if (array->fortran && array->rank > 1 && array->count > 0) {
        u8 *ordered = malloc((size_t)(array->count * array->item));
        if (!ordered) return mml_fail(MML_ENOMEM, "no memory to bring '%s' into C order", array->what);
        to_c_order(array, ordered);
        free(array->values);
        array->values = ordered;
    }
    array->fortran = 0;
    return MML_OK;
}

/* ---- Elements ---- */

/* IEEE 754 binary16: 5 bits of exponent, biased by 15, 10 of mantissa. */
static float half(const u8 *bytes) {
    uint16_t bits;
    memcpy(&bits, bytes, sizeof bits);
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    float value = exponent == 31 ? (mantissa ? NAN : INFINITY)
                : exponent       ? ldexpf((float)(1024 + mantissa), exponent - 25)
                                 : ldexpf((float)mantissa, -24);
    return bits >> 15 ? -value : value;
}

/* How a type's elements become floats and doubles, by kind and size. */
#define ELEMENTS(name, type)                                                              \
    static double number_##name(const u8 *bytes) {                                        \
        type value;                                                                       \
        memcpy(&value, bytes, sizeof value);                                              \
        return (double)value;                                                             \
    }                                                                                     \
    static void floats_##name(const u8 *bytes, i64 count, float *out) {                   \
        for (i64 i = 0; i < count; i++) {                                                 \
            type value;                                                                   \
            memcpy(&value, bytes + i * (i64)sizeof value, sizeof value);                  \
            out[i] = (float)value;                                                        \
        }                                                                                 \
    }
ELEMENTS(i1, int8_t)
ELEMENTS(i2, int16_t)
ELEMENTS(i4, int32_t)
ELEMENTS(i8, int64_t)
ELEMENTS(u1, uint8_t)
ELEMENTS(u2, uint16_t)
ELEMENTS(u4, uint32_t)
ELEMENTS(u8, uint64_t)
ELEMENTS(f4, float)
ELEMENTS(f8, double)

static double number_f2(const u8 *bytes) { return (double)half(bytes); }

static void floats_f2(const u8 *bytes, i64 count, float *out) {
    for (i64 i = 0; i < count; i++) out[i] = half(bytes + 2 * i);
}

static double number_b1(const u8 *bytes) { return *bytes != 0; }

static void floats_b1(const u8 *bytes, i64 count, float *out) {
    for (i64 i = 0; i < count; i++) out[i] = bytes[i] != 0;
}

typedef struct {
    NpyKind kind;
    i64     item;
    double (*number)(const u8 *bytes);
    void   (*floats)(const u8 *bytes, i64 count, float *out);
} ElementRow;

static const ElementRow elements[] = {
    { NPY_BOOL,  1, number_b1, floats_b1 },
    { NPY_INT,   1, number_i1, floats_i1 }, { NPY_INT,   2, number_i2, floats_i2 },
    { NPY_INT,   4, number_i4, floats_i4 }, { NPY_INT,   8, number_i8, floats_i8 },
    { NPY_UINT,  1, number_u1, floats_u1 }, { NPY_UINT,  2, number_u2, floats_u2 },
    { NPY_UINT,  4, number_u4, floats_u4 }, { NPY_UINT,  8, number_u8, floats_u8 },
    { NPY_FLOAT, 2, number_f2, floats_f2 }, { NPY_FLOAT, 4, number_f4, floats_f4 },
    { NPY_FLOAT, 8, number_f8, floats_f8 },
};

static const ElementRow *row_of(const NpyArray *array) {
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (elements[i].kind == array->kind && elements[i].item == array->item) return &elements[i];
    return &elements[0];
}

void mml_npy_floats(const NpyArray *array, i64 first, i64 count, float *out) {
    row_of(array)->floats(array->values + first * array->item, count, out);
}

double mml_npy_number(const NpyArray *array, i64 index) {
    return row_of(array)->number(array->values + index * array->item);
}

/* Of native floats: no exponent is all ones. Without an early end, so that it is done in vectors. */
static int all_finite(const u8 *values, i64 count) {
    const u32 exponent = 0x7f800000;
    u32 odd = 0;
    for (i64 i = 0; i < count; i++) {
        u32 bits;
        memcpy(&bits, values + 4 * i, sizeof bits);
        odd |= (bits & exponent) == exponent;
    }
    return !odd;
}

i64 mml_npy_not_finite(const NpyArray *array) {
    if (array->kind != NPY_FLOAT) return -1;
    if (array->item == 4 && all_finite(array->values, array->count)) return -1;
    const ElementRow *row = row_of(array);
    for (i64 i = 0; i < array->count; i++)
        if (!(fabs(row->number(array->values + i * array->item)) <= (double)FLT_MAX)) return i;
    return -1;
}

int mml_npy_integer(const NpyArray *array, i64 index, i64 *out) {
    const u8 *bytes = array->values + index * array->item;
    if (array->kind == NPY_INT && array->item == 8) {
        memcpy(out, bytes, sizeof *out);
        return 1;
    }
    double value = mml_npy_number(array, index);
    if (!(fabs(value) < 9e18) || value != floor(value)) return 0;
    *out = (i64)value;
    return 1;
}
