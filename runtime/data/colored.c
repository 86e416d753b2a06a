/* The source colored_mnist: MNIST's images beside the published coloured copy of
 * them (Kim et al. 2019, "Learning not to learn").
 *
 * The copy is an NPY file of one Python object, a dict with train_image
 * [n, 28, 28, 3], train_label [n], test_image and test_label as pickled arrays;
 * its other keys are not read. Row i is a colouring of MNIST's row i, so the IDX
 * files must hold at least as many images; of a shorter copy only that many rows
 * are used. The label is MNIST's; both must agree.
 */
#include "data/source.h"

#include <stdlib.h>
#include <string.h>
#include "data/idx.h"
#include "data/npy.h"
#include "data/pickle.h"
#include "data/split.h"
#include "data/text.h"

enum { FIELD_GRAY, FIELD_COLOR, FIELD_LABEL, FIELDS };

typedef struct {
    const char *set, *image_key, *label_key;      /* "train", "train_image", "train_label" */
    IdxPart     gray;
    NpyArray    color, labels;
    DataStore   store;                            /* of color                    */
} Part;

typedef struct { Part train, test; } Colored;

static const Part *part_of(const DataSource *source, i64 *row) {
    const Colored *colored = source->reader;
    if (*row < colored->train.gray.used) return &colored->train;
    *row -= colored->train.gray.used;
    return &colored->test;
}

static void read_gray(const DataSource *source, const DataField *field, i64 row, float *out) {
    const Part *part = part_of(source, &row);
    const u8 *pixels = part->gray.images + row * field->size;
    for (i64 i = 0; i < field->size; i++) out[i] = pixels[i];
}

/* From [height, width, 3] to [3, height, width]. */
static void read_color(const DataSource *source, const DataField *field, i64 row, float *out) {
    const Part *part = part_of(source, &row);
    const u8 *pixels = part->color.values + row * field->size;
    i64 plane = field->size / 3;
    for (i64 i = 0; i < plane; i++)
        for (int channel = 0; channel < 3; channel++) out[channel * plane + i] = pixels[3 * i + channel];
}

static i64 read_label(const DataSource *source, const DataField *field, i64 row) {
    const Part *part = part_of(source, &row);
    return part->gray.labels[row];
}

static const char *place_of(const DataSource *source, i64 row) {
    const Part *part = part_of(source, &row);
    return mml_arena_format(source->arena, "%s, sample %lld", part->gray.labels_file, (long long)row);
}

static void close_colored(DataSource *source) {
    Colored *colored = source->reader;
    Part *const parts[] = { &colored->train, &colored->test };
    for (int i = 0; i < 2; i++) {
        mml_idx_free(&parts[i]->gray);
        mml_store_close(&parts[i]->store);
        free(parts[i]->labels.values);
    }
}

/* ---- The container ---- */

static Status find_key(DataSource *source, const char *path, const PickleValue *dict, const char *key, const char **what, const PickleValue **out) {
    *out = mml_pickle_get(dict, key);
    if (!*out)
        return mml_fail(MML_EDATA, "'%s' has no '%s'; the published container has train_image, train_label, test_image and test_label",
                        path, key);
    *what = mml_arena_format(source->arena, "%s[%s]", path, key);
    return *what ? MML_OK : MML_ENOMEM;
}

/* Looks at both arrays and finds the images in the cache, or takes room for them; before the source's checksum changes. */
static Status look_at_part(DataSource *source, const char *path, const PickleValue *dict, Part *part) {
    const PickleValue *images = NULL, *integers = NULL;
    const char *of_images = NULL, *of_labels = NULL;
    NpyArray *color = &part->color, *labels = &part->labels;
    MML_TRY(find_key(source, path, dict, part->image_key, &of_images, &images));
    MML_TRY(mml_pickle_view(of_images, images, color));
    MML_TRY(find_key(source, path, dict, part->label_key, &of_labels, &integers));
    MML_TRY(mml_pickle_array(of_labels, integers, labels));
    if (color->kind != NPY_UINT || color->item != 1 || color->rank != 4 || color->size[3] != 3 || color->count == 0)
        return mml_fail(MML_EDATA, "'%s' is not [samples, height, width, 3] of uint8", color->what);
    if (labels->rank != 1 || labels->kind == NPY_FLOAT || labels->size[0] != color->size[0])
        return mml_fail(MML_EDATA, "'%s' is not one integer for each of the %lld images of '%s'", labels->what,
                        (long long)color->size[0], color->what);
    DataKey key = mml_data_source_key(source, "colored images", path);
    mml_key_text(&key, part->image_key);
    return mml_store_open(source->cache, mml_arena_format(source->arena, "%s-color", source->program->name), key, color->count, &part->store);
}

/* The images from the container, in C order, where the cache hasn't got them. */
static Status take_part(Part *part, u64 checksum) {
    NpyArray *color = &part->color;
    size_t bytes = (size_t)color->count;
    const u8 *there = color->values;
    color->values = part->store.bytes;
    if (!part->store.ready && color->fortran) {
        color->values = malloc(bytes);
        if (!color->values) return mml_fail(MML_ENOMEM, "no memory for '%s', which is in Fortran order", color->what);
        memcpy(color->values, there, bytes);
        Status status = mml_npy_settle(color);
        if (status == MML_OK) memcpy(part->store.bytes, color->values, bytes);
        free(color->values);
        color->values = part->store.bytes;
        MML_TRY(status);
    } else if (!part->store.ready) {
        memcpy(part->store.bytes, there, bytes);
    }
    color->fortran = 0;
    part->store.note = part->store.ready ? part->store.note : checksum;
    mml_store_seal(&part->store);
    return MML_OK;
}

/* The dict of the container; its texts point into bytes. */
static Status open_container(DataSource *source, const char *path, const DataText *text, const PickleValue **dict) {
    i64 header = 0;
    NpyArray array;
    const PickleValue *value = NULL;
    const u8 *bytes = (const u8 *)text->bytes;
    i64 count = text->length;
    if (count < NPY_PREFIX) return mml_fail(MML_EDATA, "'%s' is no NPY array: it is too short", path);
    MML_TRY(mml_npy_length(path, bytes, &header));
    if (header > count) return mml_fail(MML_EDATA, "'%s' is truncated within its header", path);
    MML_TRY(mml_npy_header(path, bytes, header, 1, &array));
    if (array.kind != NPY_OBJECT || array.rank != 0)
        return mml_fail(MML_EDATA, "'%s' is a plain array; the published container is one pickled dict (arrays of numbers are read by npz)", path);
    MML_TRY(mml_pickle_read(path, bytes + header, count - header, source->arena, &value));
    *dict = mml_pickle_object(value);
    if (*dict && (*dict)->kind == PICKLE_DICT) return MML_OK;
    return mml_fail(MML_EDATA, "'%s' does not hold one dict, as the published container does", path);
}

static Status take_container(DataSource *source, const char *path, const DataText *text, Colored *colored) {
    const PickleValue *dict = NULL;
    Part *const parts[] = { &colored->train, &colored->test };
    int count = mml_data_test_chosen(source) ? 1 : 2, found = 1;
    u64 checksum = source->checksum;
    MML_TRY(open_container(source, path, text, &dict));
    for (int i = 0; i < count; i++) {
        MML_TRY(look_at_part(source, path, dict, parts[i]));
        found &= parts[i]->store.ready;
    }
    if (found) checksum = colored->train.store.note;
    else MML_TRY(mml_data_text_checksum(text, &checksum));
    for (int i = 0; i < count; i++) MML_TRY(take_part(parts[i], checksum));
    source->checksum = checksum;
    return mml_data_text_check(text, path);
}

static Status read_container(DataSource *source, Colored *colored) {
    DataOrigin root = mml_data_origin(source->settings, source->program, "root");
    DataOrigin file = mml_data_origin(source->settings, source->program, "file");
    const char *path = file.value[0] == '/' ? file.value : mml_arena_format(source->arena, "%s/%s", root.value, file.value);
    DataText text;
    if (!path) return MML_ENOMEM;
    MML_TRY(mml_data_text_open(&file, path, source->cache ? mml_cache_folder(source->cache) : NULL, &text));
    Status status = take_container(source, path, &text, colored);
    mml_data_text_close(&text);
    return status;
}

/* ---- MNIST ---- */

/* Where torchvision and the download leave the four files below root. */
static const char *mnist_folder(const DataSource *source, const char *root) {
    static const char *const places[] = { "raw", "MNIST/raw", "mnist" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *folder = mml_arena_format(source->arena, "%s/%s", root, places[i]);
        if (folder && mml_idx_there(source, folder, "train")) return folder;
    }
    return root;
}

static Status read_gray_part(DataSource *source, const DataOrigin *root, Part *part) {
    IdxPart *gray = &part->gray;
    const NpyArray *color = &part->color;
    i64 count = color->size[0];
    MML_TRY(mml_idx_read(source, root, mnist_folder(source, root->value), part->set, count, gray));
    if (gray->used < count)
        return mml_fail(MML_EDATA, "'%s' has %lld images and '%s' %lld; they are paired by position", color->what, (long long)count,
                        gray->images_file, (long long)gray->total);
    if (gray->height != color->size[1] || gray->width != color->size[2])
        return mml_fail(MML_EDATA, "'%s' has images of %lld x %lld pixels and '%s' of %lld x %lld", color->what,
                        (long long)color->size[1], (long long)color->size[2], gray->images_file, (long long)gray->height,
                        (long long)gray->width);
    for (i64 i = 0; i < count; i++) {
        i64 label = 0;
        mml_npy_integer(&part->labels, i, &label);
        if (label != gray->labels[i])
            return mml_fail(MML_EDATA, "'%s', sample %lld: label %lld disagrees with label %d of '%s'; the files do not belong together",
                            part->labels.what, (long long)i, (long long)label, gray->labels[i], gray->labels_file);
    }
    return MML_OK;
}

Status mml_data_colored_open(DataSource *source) {
    Colored *colored = mml_data_source_begin(source, sizeof *colored, FIELDS, place_of, close_colored);
    if (!colored) return MML_ENOMEM;
    *colored = (Colored){ .train = { .set = "train", .image_key = "train_image", .label_key = "train_label" },
                          .test = { .set = "t10k", .image_key = "test_image", .label_key = "test_label" } };
    DataOrigin root;
    MML_TRY(mml_data_source_root(source, &root));
    MML_TRY(read_container(source, colored));
    MML_TRY(read_gray_part(source, &root, &colored->train));
    const IdxPart *gray = &colored->train.gray, *test = &colored->test.gray;
    if (!mml_data_test_chosen(source)) {
        MML_TRY(read_gray_part(source, &root, &colored->test));
        if (test->height != gray->height || test->width != gray->width)
            return mml_fail(MML_EDATA, "'%s' and '%s' have images of different size", gray->images_file, test->images_file);
    }
    i64 pixels = gray->height * gray->width;
    source->field_count = FIELDS;
    source->fields[FIELD_GRAY] = (DataField){ .name = "gray", .file = gray->images_file, .size = pixels, .read = read_gray,
                                              .shape = { 3, { 1, gray->height, gray->width } } };
    source->fields[FIELD_COLOR] = (DataField){ .name = "color", .file = colored->train.color.what, .size = 3 * pixels,
                                               .shape = { 3, { 3, gray->height, gray->width } }, .read = read_color };
    source->fields[FIELD_LABEL] = (DataField){ .name = "label", .file = gray->labels_file, .label = read_label };
    return mml_data_split(source, gray->used, test->used, NULL);
}
