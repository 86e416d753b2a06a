/* IDX: the container of MNIST and its kin (LeCun, Cortes, Burges).
 *
 * Big-endian: a magic number (0x00000803 images, 0x00000801 labels), the
 * sizes as 32-bit numbers (count, and for images height and width), then one
 * byte a pixel or label. Plain or gzip. What a limit leaves out isn't read.
 */
#include "data/idx.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/split.h"

#define MAGIC_LABELS 0x00000801u
#define MAGIC_IMAGES 0x00000803u

typedef struct { IdxPart train, test; } Idx;

static u32 big_endian(const u8 *byte) {
    return (u32)byte[0] << 24 | (u32)byte[1] << 16 | (u32)byte[2] << 8 | byte[3];
}

/* The file under its usual spellings; NULL when there is none. */
static const char *spelled(const DataSource *source, const char *folder, const char *set, const char *kind, int rank) {
    static const char *const spellings[] = {
        "%s/%s-%s-idx%d-ubyte", "%s/%s-%s-idx%d-ubyte.gz", "%s/%s-%s.idx%d-ubyte", "%s/%s-%s.idx%d-ubyte.gz",
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        const char *path = mml_arena_format(source->arena, spellings[i], folder, set, kind, rank);
#pragma GCC diagnostic pop
        if (path && access(path, F_OK) == 0) return path;
    }
    return NULL;
}

static Status find(const DataSource *source, const DataOrigin *root, const char *folder, const char *set, const char *kind, int rank,
                   const char **out) {
    *out = spelled(source, folder, set, kind, rank);
    if (*out) return MML_OK;
    const char *name = mml_arena_format(source->arena, "%s/%s-%s-idx%d-ubyte[.gz]", folder, set, kind, rank);
    return mml_data_missing(root, "file", name ? name : set);
}

/* Checks the magic number and reads `rank` sizes. */
static Status read_header(DataFile *file, u32 magic, int rank, u32 *sizes) {
    u8 bytes[16];
    MML_TRY(mml_data_file_read(file, bytes, 4 * (1 + rank), "its header"));
    u32 found = big_endian(bytes);
    if (found != magic)
        return mml_fail(MML_EDATA, "'%s' is no IDX file of %s: its magic number is 0x%08x, not 0x%08x", file->path,
                        magic == MAGIC_IMAGES ? "images" : "labels", found, magic);
    for (int i = 0; i < rank; i++) sizes[i] = big_endian(bytes + 4 * (i + 1));
    if (sizes[0] == 0) return mml_fail(MML_EDATA, "'%s' has no samples: its header says 0", file->path);
    return MML_OK;
}

static Status check_promise(const DataFile *file, int rank, i64 total, i64 item) {
    i64 promised;
    if (__builtin_mul_overflow(total, item, &promised))
        return mml_fail(MML_EDATA, "'%s' is truncated or its header is wrong: it promises %lld samples of %lld bytes",
                        file->path, (long long)total, (long long)item);
    return mml_data_file_holds(file, 4 * (1 + rank), promised);
}

/* The first `used` of `total` items of `item` bytes; the end is checked when all are read. */
static Status read_items(DataFile *file, i64 total, i64 used, i64 item, u8 *out) {
    MML_TRY(mml_data_file_read(file, out, used * item, "its samples"));
    return used == total ? mml_data_file_finish(file) : MML_OK;
}

static Status read_labels(DataSource *source, const DataOrigin *root, i64 most, IdxPart *part) {
    DataFile file;
    u32 count = 0;
    MML_TRY(mml_data_file_open(root, part->labels_file, &source->checksum, &file));
    Status status = read_header(&file, MAGIC_LABELS, 1, &count);
    part->total = count;
    part->used = most < part->total ? most : part->total;
    if (status == MML_OK) status = check_promise(&file, 1, part->total, 1);
    part->labels = status == MML_OK ? malloc((size_t)part->used) : NULL;
    if (status == MML_OK && !part->labels)
        status = mml_fail(MML_ENOMEM, "no memory for %lld samples of '%s'", (long long)part->used, file.path);
    if (status == MML_OK) status = read_items(&file, part->total, part->used, 1, part->labels);
    mml_data_file_close(&file);
    return status;
}

/* Pixels of an earlier run come with the checksum that reading them gave. */
static Status take_images(DataSource *source, DataFile *file, i64 pixels, IdxPart *part) {
    MML_TRY(check_promise(file, 3, part->total, pixels));
    DataKey key = mml_data_source_key(source, "idx images", part->images_file);
    mml_key_int(&key, part->used);
    MML_TRY(mml_store_open(source->cache, mml_arena_format(source->arena, "%s-images", source->program->name), key, part->used * pixels,
                           &part->store));
    part->images = part->store.bytes;
    if (part->store.ready) {
        source->checksum = part->store.note;
        return MML_OK;
    }
    MML_TRY(read_items(file, part->total, part->used, pixels, part->images));
    part->store.note = source->checksum;
    mml_store_seal(&part->store);
    return MML_OK;
}

static Status read_images(DataSource *source, const DataOrigin *root, IdxPart *part) {
    DataFile file;
    u32 sizes[3] = { 0, 0, 0 };
    MML_TRY(mml_data_file_open(root, part->images_file, &source->checksum, &file));
    Status status = read_header(&file, MAGIC_IMAGES, 3, sizes);
    part->height = sizes[1];
    part->width = sizes[2];
    i64 pixels = 0;
    if (status == MML_OK && (i64)sizes[0] != part->total)
        status = mml_fail(MML_EDATA, "'%s' has %lld images and '%s' %lld labels", part->images_file, (long long)sizes[0],
                          part->labels_file, (long long)part->total);
    if (status == MML_OK && (__builtin_mul_overflow(part->height, part->width, &pixels) || pixels == 0))
        status = mml_fail(MML_EDATA, "'%s' is damaged: its header says images of %lld x %lld pixels", part->images_file,
                          (long long)part->height, (long long)part->width);
    if (status == MML_OK) status = take_images(source, &file, pixels, part);
    mml_data_file_close(&file);
    return status;
}

Status mml_idx_read(DataSource *source, const DataOrigin *root, const char *folder, const char *set, i64 most, IdxPart *part) {
    MML_TRY(find(source, root, folder, set, "images", 3, &part->images_file));
    MML_TRY(find(source, root, folder, set, "labels", 1, &part->labels_file));
    MML_TRY(read_labels(source, root, most, part));
    return read_images(source, root, part);
}

int mml_idx_there(const DataSource *source, const char *folder, const char *set) {
    return spelled(source, folder, set, "images", 3) != NULL;
}

void mml_idx_free(IdxPart *part) {
    mml_store_close(&part->store);
    free(part->labels);
    part->images = part->labels = NULL;
}

/* ---- What a source offers ---- */

static const IdxPart *part_of(const DataSource *source, i64 *row) {
    const Idx *idx = source->reader;
    if (*row < idx->train.total) return &idx->train;
    *row -= idx->train.total;
    return &idx->test;
}

static void read_image(const DataSource *source, const DataField *field, i64 row, float *out) {
    const IdxPart *part = part_of(source, &row);
    const u8 *pixels = part->images + row * field->size;
    for (i64 i = 0; i < field->size; i++) out[i] = pixels[i];
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) {
    const IdxPart *part = part_of(source, &row);
    return part->labels[row];
}

static const char *place_of(const DataSource *source, i64 row) {
    const IdxPart *part = part_of(source, &row);
    return mml_arena_format(source->arena, "%s, sample %lld", part->labels_file, (long long)row);
}

static void close_idx(DataSource *source) {
    Idx *idx = source->reader;
    mml_idx_free(&idx->train);
    mml_idx_free(&idx->test);
}

/* With `test = every(n, k)` or a share the test rows are taken from the train
 * files, all of which is then read, and the test files are left alone. */
static Status read_sets(DataSource *source, const DataOrigin *root, Idx *idx) {
    i64 most = INT64_MAX, test_most = INT64_MAX;
    if (mml_data_test_chosen(source)) return mml_idx_read(source, root, root->value, "train", most, &idx->train);
    MML_TRY(mml_data_source_limit(source, MML_TRAIN, most, &most));
    MML_TRY(mml_data_source_limit(source, MML_TEST, test_most, &test_most));
    MML_TRY(mml_idx_read(source, root, root->value, "train", most, &idx->train));
    MML_TRY(mml_idx_read(source, root, root->value, "t10k", test_most, &idx->test));
    const IdxPart *train = &idx->train, *test = &idx->test;
    if (train->height == test->height && train->width == test->width) return MML_OK;
    return mml_fail(MML_EDATA, "'%s' has images of %lld x %lld pixels and '%s' of %lld x %lld", train->images_file,
                    (long long)train->height, (long long)train->width, test->images_file, (long long)test->height,
                    (long long)test->width);
}

Status mml_data_idx_open(DataSource *source) {
    Idx *idx = mml_data_source_begin(source, sizeof *idx, 2, place_of, close_idx);
    if (!idx) return MML_ENOMEM;
    DataOrigin root;
    MML_TRY(mml_data_source_root(source, &root));
    MML_TRY(read_sets(source, &root, idx));
    const IdxPart *train = &idx->train;
    source->field_count = 2;
    source->fields[0] = (DataField){ .name = "image", .file = train->images_file,
                                     .shape = { 3, { 1, train->height, train->width } },
                                     .size = train->height * train->width, .read = read_image };
    source->fields[1] = (DataField){ .name = "label", .file = train->labels_file, .label = read_label };
    return mml_data_split(source, train->total, idx->test.total, NULL);
}
