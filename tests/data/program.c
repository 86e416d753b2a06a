#define _GNU_SOURCE
#include "program.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define MOST 128

struct Program {
    MmlArena     *arena;
    MmlExperiment experiment;
    MmlSettings   settings;
    MmlSetting    setting[MOST];
    MmlValue      values[4 * MOST];
    MmlSource     sources[4];
    MmlModality   modalities[8];
    MmlTransform  steps[8][16];
    i64           slots;
    char          folder[256];
    MmlData      *data;
    MmlThreads   *threads;
};

Program *program_new(void) {
    Program *p = calloc(1, sizeof *p);
    p->arena = mml_arena_new();
    p->experiment = (MmlExperiment){ .abi = MML_ABI_VERSION, .name = "test", .file = "test.mml", .settings = p->setting,
                                     .sources = p->sources, .modalities = p->modalities,
                                     .target = { "kind", 10, 0, "label", "test.mml:30" } };
    p->settings = (MmlSettings){ .experiment = &p->experiment, .values = p->values, .arena = p->arena };
    const char *root = getenv("TMPDIR");
    snprintf(p->folder, sizeof p->folder, "%s/mml-data-XXXXXX", root ? root : "/tmp");
    cr_assert(mkdtemp(p->folder), "no temporary folder");
    return p;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    return remove(path);
}

void program_free(Program *p) {
    mml_data_close(p->data);
    mml_threads_free(p->threads);
    nftw(p->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    mml_arena_free(p->arena);
    free(p);
}

const char *program_folder(const Program *p) { return p->folder; }
const MmlSettings *program_settings(const Program *p) { return &p->settings; }

/* ---- Settings ---- */

static MmlSetting *setting_at(Program *p, const char *path, i64 type, i64 width) {
    for (i64 i = 0; i < p->experiment.setting_count; i++)
        if (strcmp(p->setting[i].path, path) == 0) return &p->setting[i];
    cr_assert(p->experiment.setting_count < MOST && p->slots + width <= 4 * MOST);
    MmlSetting *setting = &p->setting[p->experiment.setting_count++];
    *setting = (MmlSetting){ .path = mml_arena_format(p->arena, "%s", path), .type = type, .slot = p->slots,
                             .origin = "test.mml:1", .low = -INFINITY, .high = INFINITY };
    p->slots += width;
    p->experiment.slot_count = p->slots;
    return setting;
}

void set_int(Program *p, const char *path, i64 value) { p->values[setting_at(p, path, MML_INT, 1)->slot].i = value; }
void set_real(Program *p, const char *path, double value) { p->values[setting_at(p, path, MML_REAL, 1)->slot].r = value; }

void set_text(Program *p, const char *path, const char *value) {
    p->values[setting_at(p, path, MML_STRING, 1)->slot].s = mml_arena_format(p->arena, "%s", value);
}

void set_word(Program *p, const char *path, const char *word) {
    MmlSetting *setting = setting_at(p, path, MML_WORD, 1);
    setting->words = mml_arena_format(p->arena, "%s", word);
    p->values[setting->slot].i = 0;
}

static MmlValue *set_list(Program *p, const char *path, i64 type, int count) {
    MmlSetting *setting = setting_at(p, path, type, count + 1);
    setting->flags = MML_SETTING_LIST;
    p->values[setting->slot].i = count;
    return &p->values[setting->slot + 1];
}

void set_reals(Program *p, const char *path, int count, const double *values) {
    MmlValue *list = set_list(p, path, MML_REAL, count);
    for (int i = 0; i < count; i++) list[i].r = values[i];
}

void set_ints(Program *p, const char *path, int count, const i64 *values) {
    MmlValue *list = set_list(p, path, MML_INT, count);
    for (int i = 0; i < count; i++) list[i].i = values[i];
}

void set_param(Program *p, const char *name, const char *value) {
    set_text(p, name, value);
    MmlSetting *setting = setting_at(p, name, MML_PATH, 1);
    setting->type = MML_PATH;
    setting->flags = MML_SETTING_PARAM;
}

/* ---- The program ---- */

void add_source(Program *p, const char *name, const char *kind, const char *root) {
    i64 index = p->experiment.source_count++;
    MmlSource *source = &p->sources[index];
    *source = (MmlSource){ .name = name, .kind = kind, .path = mml_arena_format(p->arena, "data.%s", name),
                           .where = mml_arena_format(p->arena, "test.mml:%lld", (long long)index + 9) };
    set_word(p, source->path, kind);
    if (root) set_text(p, mml_arena_format(p->arena, "%s.root", source->path), root);
}

void add_idx(Program *p, const char *name) {
    static const char *const fields[] = { "image", "label" };
    add_source(p, name, "idx", p->folder);
    MmlSource *source = &p->sources[p->experiment.source_count - 1];
    source->field_count = 2;
    source->fields = fields;
}

void add_csv(Program *p, const char *name, ...) {
    add_source(p, name, "csv", NULL);
    MmlSource *source = &p->sources[p->experiment.source_count - 1];
    const char **fields = MML_NEW(p->arena, const char *, 8);
    i64 *slots = MML_NEW(p->arena, i64, 8);
    va_list arguments;
    va_start(arguments, name);
    for (const char *file; (file = va_arg(arguments, const char *));) {
        char *path = mml_arena_format(p->arena, "%s.file%lld", source->path, (long long)source->file_count + 1);
        set_text(p, path, mml_arena_format(p->arena, "%s/%s", p->folder, file));
        fields[source->file_count] = mml_arena_format(p->arena, "%.*s", (int)strcspn(file, "."), file);
        slots[source->file_count++] = p->slots - 1;
    }
    va_end(arguments);
    fields[source->file_count] = "label";
    source->field_count = source->file_count + 1;
    source->fields = fields;
    source->file_slots = slots;
}

void add_npz(Program *p, const char *name, const char *file, ...) {
    add_source(p, name, "npz", NULL);
    MmlSource *source = &p->sources[p->experiment.source_count - 1];
    const char **fields = MML_NEW(p->arena, const char *, 8);
    va_list arguments;
    va_start(arguments, file);
    for (const char *field; (field = va_arg(arguments, const char *));) fields[source->field_count++] = field;
    va_end(arguments);
    source->fields = fields;
    set_text(p, mml_arena_format(p->arena, "%s.file", source->path), mml_arena_format(p->arena, "%s/%s", p->folder, file));
}

static MmlShape shape_from(int rank, va_list arguments) {
    MmlShape shape = { rank, { 0 } };
    for (int i = 0; i < rank; i++) shape.size[i] = va_arg(arguments, int);
    return shape;
}

void add_modality(Program *p, const char *name, const char *type, const char *field, int rank, ...) {
    i64 index = p->experiment.modality_count++;
    va_list arguments;
    va_start(arguments, rank);
    MmlShape shape = shape_from(rank, arguments);
    va_end(arguments);
    i64 size = 1;
    for (int i = 0; i < rank; i++) size *= shape.size[i];
    p->modalities[index] = (MmlModality){ .name = name, .type = type, .shape = shape, .size = size, .field = field,
                                          .source = p->experiment.source_count - 1, .transforms = p->steps[index] };
}

void add_step(Program *p, const char *step, int rank, ...) {
    MmlModality *modality = &p->modalities[p->experiment.modality_count - 1];
    i64 before = 0;
    for (i64 i = 0; i < modality->transform_count; i++) before += strcmp(modality->transforms[i].name, step) == 0;
    char *path = mml_arena_format(p->arena, "modality.%s.input.%s", modality->name, step);
    if (before) path = mml_arena_format(p->arena, "%s%lld", path, (long long)before + 1);
    va_list arguments;
    va_start(arguments, rank);
    MmlTransform *transform = &p->steps[p->experiment.modality_count - 1][modality->transform_count];
    *transform = (MmlTransform){ step, path, mml_arena_format(p->arena, "test.mml:%lld:5", (long long)modality->transform_count + 20),
                                 { 3, { -1, -1, -1 } }, shape_from(rank, arguments) };
    va_end(arguments);
    if (modality->transform_count) transform->in = modality->transforms[modality->transform_count - 1].out;
    else if (strcmp(p->sources[modality->source].kind, "csv") == 0) transform->in = (MmlShape){ 1, { -1 } };
    else if (strcmp(modality->field, "wav") == 0) transform->in = (MmlShape){ 0 };
    modality->transform_count++;
}

static const char *step_path(Program *p, const char *name) {
    MmlModality *modality = &p->modalities[p->experiment.modality_count - 1];
    return mml_arena_format(p->arena, "%s.%s", modality->transforms[modality->transform_count - 1].path, name);
}

void step_int(Program *p, const char *name, i64 value) { set_int(p, step_path(p, name), value); }
void step_real(Program *p, const char *name, double value) { set_real(p, step_path(p, name), value); }
void step_text(Program *p, const char *name, const char *value) { set_text(p, step_path(p, name), value); }
void step_word(Program *p, const char *name, const char *word) { set_word(p, step_path(p, name), word); }

void step_reals(Program *p, const char *name, int count, const double *values) {
    set_reals(p, step_path(p, name), count, values);
}

void step_ints(Program *p, const char *name, int count, const i64 *values) {
    set_ints(p, step_path(p, name), count, values);
}

void add_mono(Program *p, double rate) {
    add_step(p, "mono", 1, -1);
    step_real(p, "rate", rate);
}

void add_fit(Program *p, double seconds, const char *by, int samples) {
    add_step(p, "fit", 1, samples);
    step_real(p, "duration", seconds);
    step_word(p, "by", by);
}

void add_sample(Program *p, double rate) {
    if (rate <= 0) return;
    add_step(p, "sample", 0);
    step_real(p, "rate", rate);
}

void set_target(Program *p, i64 classes, const char *field) {
    p->experiment.target.classes = classes;
    p->experiment.target.field = field;
}

/* ---- Opening and looking ---- */

MmlData *open_data_with(Program *p, u64 seed, int threads) {
    mml_data_close(p->data);
    mml_threads_free(p->threads);
    p->data = NULL;
    p->threads = NULL;
    cr_assert_eq(mml_threads_new(threads, &p->threads), MML_OK);
    Status status = mml_data_open(&p->settings, seed, p->threads, &p->data);
    cr_assert_eq(status, MML_OK, "%s", mml_message());
    return p->data;
}

MmlData *open_data(Program *p) { return open_data_with(p, 1, 1); }

const char *open_fails(Program *p) {
    MmlData *data = NULL;
    Status status = mml_data_open(&p->settings, 1, NULL, &data);
    cr_assert_eq(status, MML_EDATA, "status %d: %s", (int)status, status ? mml_message() : "opened");
    cr_assert_null(data);
    return mml_message();
}

void sample_of(MmlData *data, MmlSplit split, i64 row, i64 epoch, int augment, const Program *p, i64 m, float *out,
               i64 *label, i64 *number) {
    float *inputs[8];
    i64 ignored[2];
    for (i64 i = 0; i < p->experiment.modality_count; i++) {
        inputs[i] = malloc(sizeof(float) * (size_t)p->modalities[i].size);
        cr_assert(inputs[i]);
    }
    Status status = mml_data_batch(data, split, &row, 1, epoch, augment, inputs, label ? label : &ignored[0],
                                   number ? number : &ignored[1]);
    cr_assert_eq(status, MML_OK, "%s", mml_message());
    memcpy(out, inputs[m], sizeof(float) * (size_t)p->modalities[m].size);
    for (i64 i = 0; i < p->experiment.modality_count; i++) free(inputs[i]);
}

void train_sample(Program *p, MmlData *data, i64 row, float *out) {
    sample_of(data, MML_TRAIN, row, 1, 0, p, 0, out, NULL, NULL);
}

/* ---- Files ---- */

static const char *in_folder(Program *p, const char *name) { return mml_arena_format(p->arena, "%s/%s", p->folder, name); }

void write_bytes(Program *p, const char *name, const void *bytes, size_t count) {
    FILE *file = fopen(in_folder(p, name), "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, count, file), count);
    cr_assert_eq(fclose(file), 0);
}

void write_text(Program *p, const char *name, const char *text) { write_bytes(p, name, text, strlen(text)); }

void write_gzip(Program *p, const char *name, const void *bytes, size_t count, size_t cut) {
    const char *path = in_folder(p, name);
    gzFile file = gzopen(path, "wb9");
    cr_assert(file);
    cr_assert_eq(gzwrite(file, bytes, (unsigned)count), (int)count);
    cr_assert_eq(gzclose(file), Z_OK);
    if (!cut) return;
    FILE *plain = fopen(path, "rb");
    cr_assert(plain);
    fseek(plain, 0, SEEK_END);
    long size = ftell(plain);
    fclose(plain);
    cr_assert_eq(truncate(path, size - (long)cut), 0);
}

static u8 *big_endian(u8 *out, u32 value) {
    for (int shift = 24; shift >= 0; shift -= 8) *out++ = (u8)(value >> shift);
    return out;
}

size_t idx_images(u8 *out, u32 count, u32 height, u32 width, int start) {
    u8 *at = big_endian(big_endian(big_endian(big_endian(out, 0x803), count), height), width);
    for (u64 i = 0; i < (u64)count * height * width; i++) *at++ = (u8)(start + (int)i);
    return (size_t)(at - out);
}

size_t idx_labels(u8 *out, u32 count, u32 classes) {
    u8 *at = big_endian(big_endian(out, 0x801), count);
    for (u32 i = 0; i < count; i++) *at++ = (u8)(i % classes);
    return (size_t)(at - out);
}

void write_idx_set(Program *p, u32 train, u32 test, u32 height, u32 width, u32 classes) {
    u8 *bytes = malloc(16 + (size_t)(train > test ? train : test) * height * width);
    write_bytes(p, "train-images-idx3-ubyte", bytes, idx_images(bytes, train, height, width, 0));
    write_bytes(p, "train-labels-idx1-ubyte", bytes, idx_labels(bytes, train, classes));
    write_bytes(p, "t10k-images-idx3-ubyte", bytes, idx_images(bytes, test, height, width, 100));
    write_bytes(p, "t10k-labels-idx1-ubyte", bytes, idx_labels(bytes, test, classes));
    free(bytes);
}

void expect_in(const char *text, const char *part) {
    cr_assert(strstr(text, part), "'%s' is not in: %s", part, text);
}

void expect_near(double value, double expected, double tolerance, const char *what) {
    cr_assert(fabs(value - expected) <= tolerance, "%s: %.9g, expected %.9g", what, value, expected);
}
