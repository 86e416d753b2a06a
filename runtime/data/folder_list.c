#include "data/folder_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { FOLDERS = 1 << FOLDER_FRAMES, MOST_ENDINGS = 20 };

/* Endings of files, of formats that aren't read too: those are then named
 * among what was skipped instead of being passed over. */
static const struct { const char *one, *many, *forms, *endings[MOST_ENDINGS]; } parts[FOLDER_PARTS] = {
    [FOLDER_IMAGE]  = { "picture", "pictures", "PNG or JPEG",
                        { ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".heic", ".avif" } },
    [FOLDER_FRAMES] = { "clip", "clips", "a folder of numbered pictures", { NULL } },
    [FOLDER_WAV]    = { "sound", "sounds", "WAV, or a video with sound",
                        { ".wav", ".wave", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma", ".au" } },
    [FOLDER_VIDEO]  = { "video", "videos", "MP4, AVI, MKV, WebM, FLV, MOV or MPEG",
                        { ".mp4", ".m4v", ".avi", ".mkv", ".webm", ".flv", ".mov", ".mpg", ".mpeg", ".ogv", ".wmv", ".asf", ".mts", ".3gp" } },
};

const char *mml_folder_part(FolderPart part) { return parts[part].one; }

const char *mml_folder_parts(unsigned set, MmlArena *arena) {
    const char *text = "";
    for (int part = 0; part < FOLDER_PARTS && text; part++) {
        unsigned later = set >> part >> 1;
        if (set >> part & 1) text = mml_arena_format(arena, "%s%s%s", text, parts[part].many, !later ? "" : later & (later - 1) ? ", " : " and ");
    }
    return text;
}

/* The part that a file of that name is, FOLDER_PARTS: none. */
static FolderPart part_of(const char *name) {
    const char *ending = strrchr(name, '.');
    for (int part = 0; part < FOLDER_PARTS; part++)
        for (int i = 0; ending && i < MOST_ENDINGS && parts[part].endings[i]; i++)
            if (strcasecmp(ending, parts[part].endings[i]) == 0) return (FolderPart)part;
    return FOLDER_PARTS;
}

/* What can't be looked at, as a link to nothing (git-annex leaves them), counts as a file: it is then skipped by name. */
static int is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ---- The entries of one folder ---- */

typedef struct { const char *path; i64 length; FolderPart part; } Entry;      /* length: of the path up to the name's end */
typedef struct { i64 count, capacity; Entry *items; } Entries;

static int by_name(const void *a, const void *b) {
    const Entry *x = a, *y = b;
    int order = memcmp(x->path, y->path, (size_t)(x->length < y->length ? x->length : y->length));
    return order ? order : x->length != y->length ? (x->length < y->length ? -1 : 1) : strcmp(x->path, y->path);
}

static Status add_entry(Entries *entries, Entry entry, MmlArena *arena) {
    Entry *items = MML_GROW(arena, entries->items, entries->count, &entries->capacity, 64);
    if (!items) return MML_ENOMEM;
    entries->items = items;
    entries->items[entries->count++] = entry;
    return MML_OK;
}

/* Those of the parts of a set, by name; in arena. origin: for the message, or NULL. */
static Status list_entries(const DataOrigin *origin, const char *path, unsigned wanted, MmlArena *arena, Entries *out) {
    *out = (Entries){ 0 };
    DIR *folder = opendir(path);
    if (!folder && !origin) return mml_fail(MML_EDATA, "can't look into the folder '%s': %s", path, strerror(errno));
    if (!folder)
        return mml_fail(MML_EDATA, "can't look into the folder '%s' (%s, %s): %s", path, origin->setting, origin->source->where,
                        strerror(errno));
    Status status = MML_OK;
    for (struct dirent *entry; status == MML_OK && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        FolderPart part = part_of(entry->d_name);
        if (!(wanted & FOLDERS) && (part == FOLDER_PARTS || !(wanted >> part & 1))) continue;
        const char *full = mml_arena_format(arena, "%s/%s", path, entry->d_name);
        if (!full) status = MML_ENOMEM;
        else if (is_folder(full)) part = FOLDER_FRAMES;
        if (status != MML_OK || part == FOLDER_PARTS || !(wanted >> part & 1)) continue;
        size_t length = part == FOLDER_FRAMES ? strlen(full) : (size_t)(strrchr(full, '.') - full);
        status = add_entry(out, (Entry){ full, (i64)length, part }, arena);
    }
    closedir(folder);
    if (status == MML_OK && out->count) qsort(out->items, (size_t)out->count, sizeof *out->items, by_name);
    return status;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

Status mml_folder_pictures(const char *folder, MmlArena *arena, const char ***out, i64 *count) {
    Entries entries;
    MML_TRY(list_entries(NULL, folder, 1u << FOLDER_IMAGE, arena, &entries));
    *count = entries.count;
    *out = MML_NEW(arena, const char *, entries.count + 1);
    if (!*out) return MML_ENOMEM;
    for (i64 i = 0; i < entries.count; i++) (*out)[i] = entries.items[i].path;
    qsort(*out, (size_t)*count, sizeof **out, by_bytes);
    return MML_OK;
}

/* ---- Rows ---- */

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static Status add_row(FolderList *list, FolderRow row, MmlArena *arena) {
    FolderRow *rows = MML_GROW(arena, list->rows, list->row_count, &list->capacity, 64);
    if (!rows) return MML_ENOMEM;
    list->rows = rows;
    list->rows[list->row_count++] = row;
    return MML_OK;
}

static int same_name(const Entry *a, const Entry *b) {
    return a->length == b->length && memcmp(a->path, b->path, (size_t)a->length) == 0;
}

/* Entries of one name become one row where several parts are wanted. */
static Status add_rows(FolderList *list, const Entries *entries, int several, i64 class, MmlArena *arena) {
    for (i64 i = 0, next; i < entries->count; i = next) {
        const Entry *first = &entries->items[i];
        FolderRow row = { first->path, class, { NULL } };
        for (next = i; next < entries->count && (next == i || (several && same_name(first, &entries->items[next]))); next++) {
            const Entry *entry = &entries->items[next];
            const char **part = &row.parts[entry->part];
            if (*part)
                return mml_fail(MML_EDATA, "'%s' and '%s' have one name: which %s belongs to it? Rename or remove one", *part, entry->path,
                                parts[entry->part].one);
            *part = entry->path;
        }
        if (next > i + 1 && !(row.name = mml_arena_format(arena, "%.*s", (int)first->length, first->path))) return MML_ENOMEM;
        MML_TRY(add_row(list, row, arena));
    }
    return MML_OK;
}

/* The class of that name among those that are known. */
static Status known_class(const DataOrigin *origin, const FolderList *known, const char *path, i64 *out) {
    for (*out = 0; *out < known->class_count; ++*out)
        if (strcmp(known->classes[*out], last_part(path)) == 0) return MML_OK;
    return mml_fail(MML_EDATA, "'%s' is no class: the train data have no folder '%s' (%s, %s)", path, last_part(path),
                    origin->setting, origin->source->where);
}

static Status no_rows(const DataOrigin *origin, const char *path, unsigned wanted, MmlArena *arena) {
    Entries inner;
    const char *what = mml_folder_parts(wanted, arena), *forms = "";
    if (!what) return MML_ENOMEM;
    if (wanted & FOLDERS)
        return mml_fail(MML_EDATA, "the class folder '%s' holds no %s: a clip is a folder of pictures in it (%s, %s)", path, what, origin->setting,
                        origin->source->where);
    MML_TRY(list_entries(origin, path, FOLDERS, arena, &inner));
    if (inner.count > 0)
        return mml_fail(MML_EDATA, "'%s' holds folders and no %s; classes are the folders directly below %s (%s): give a folder "
                        "one level further down, and `test =` another", path, what, origin->setting, origin->source->where);
    for (int part = 0; part < FOLDER_PARTS; part++)
        if (wanted == 1u << part) forms = mml_arena_format(arena, " (%s)", parts[part].forms);
    return forms ? mml_fail(MML_EDATA, "the class folder '%s' holds no %s%s; remove it or fill it", path, what, forms) : MML_ENOMEM;
}

Status mml_folder_list(const DataOrigin *origin, unsigned wanted, const FolderList *known, MmlArena *arena, FolderList *out) {
    Entries folders, found;
    unsigned listed = wanted | (wanted >> FOLDER_WAV & 1) << FOLDER_VIDEO;
    *out = (FolderList){ 0 };
    MML_TRY(mml_data_need_folder(origin));
    MML_TRY(list_entries(origin, origin->value, FOLDERS, arena, &folders));
    if (folders.count == 0) {
        const char *what = mml_folder_parts(wanted, arena);
        return !what ? MML_ENOMEM : mml_fail(MML_EDATA, "'%s' has no folders; each class is a folder of %s (%s, %s)", origin->value, what,
                                             origin->setting, origin->source->where);
    }
    out->class_count = folders.count;
    out->classes = MML_NEW(arena, const char *, folders.count);
    if (!out->classes) return MML_ENOMEM;
    for (i64 i = 0; i < folders.count; i++) {
        const char *path = folders.items[i].path;
        i64 class = i;
        out->classes[i] = last_part(path);
        if (known) MML_TRY(known_class(origin, known, path, &class));
        MML_TRY(list_entries(origin, path, listed, arena, &found));
        if (found.count == 0 && !known) return no_rows(origin, path, wanted, arena);
        MML_TRY(add_rows(out, &found, (listed & (listed - 1)) != 0, class, arena));
    }
    return out->row_count == 0 ? no_rows(origin, origin->value, wanted, arena) : MML_OK;
}
