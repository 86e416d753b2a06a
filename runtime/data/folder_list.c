#include "data/folder_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Endings of picture files, of formats that aren't read too: those are then named
 * among what was skipped instead of being passed over. */
static const char *const endings[] = {
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".heic", ".avif",
};

static int is_picture(const char *name) {
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(ending, endings[i]) == 0) return 1;
    return 0;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* What can't be looked at, as a link to nothing (git-annex leaves them), counts as a file: it is then skipped by name. */
static int is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The entries of a folder that are folders or not, by bytes; in arena. origin: for the message, or NULL. */
static Status list_names(const DataOrigin *origin, const char *path, int folders, MmlArena *arena, const char ***out, i64 *count) {
    i64 capacity = 0;
    *count = 0;
    *out = NULL;
    DIR *folder = opendir(path);
    if (!folder && !origin) return mml_fail(MML_EDATA, "can't look into the folder '%s': %s", path, strerror(errno));
    if (!folder)
        return mml_fail(MML_EDATA, "can't look into the folder '%s' (%s, %s): %s", path, origin->setting, origin->source->where,
                        strerror(errno));
    Status status = MML_OK;
    for (struct dirent *entry; status == MML_OK && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char *full = mml_arena_format(arena, "%s/%s", path, entry->d_name);
        if (!full) status = MML_ENOMEM;
        else if (is_folder(full) != folders) continue;
        else if (!folders && !is_picture(entry->d_name)) continue;
        else if (*count == capacity) {
            const char **larger = MML_NEW(arena, const char *, capacity = capacity ? 2 * capacity : 64);
            if (!larger) status = MML_ENOMEM;
            else if (*count) memcpy(larger, *out, sizeof *larger * (size_t)*count);
            if (larger) *out = larger;
        }
        if (status == MML_OK) (*out)[(*count)++] = full;
    }
    closedir(folder);
    if (status == MML_OK && *count) qsort(*out, (size_t)*count, sizeof **out, compare_names);
    return status;
}

Status mml_folder_pictures(const char *folder, MmlArena *arena, const char ***out, i64 *count) {
    return list_names(NULL, folder, 0, arena, out, count);
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static Status add_files(FolderList *list, const char **paths, i64 count, i64 class, MmlArena *arena) {
    if (list->file_count + count > list->capacity) {
        i64 capacity = 2 * (list->file_count + count);
        FolderFile *larger = MML_NEW(arena, FolderFile, capacity);
        if (!larger) return MML_ENOMEM;
        if (list->file_count) memcpy(larger, list->files, sizeof *larger * (size_t)list->file_count);
        list->files = larger;
        list->capacity = capacity;
    }
    for (i64 i = 0; i < count; i++) list->files[list->file_count++] = (FolderFile){ paths[i], class };
    return MML_OK;
}

/* The class of that name among those that are known. */
static Status known_class(const DataOrigin *origin, const FolderList *known, const char *path, i64 *out) {
    for (*out = 0; *out < known->class_count; ++*out)
        if (strcmp(known->classes[*out], last_part(path)) == 0) return MML_OK;
    return mml_fail(MML_EDATA, "'%s' is no class: the train pictures have no folder '%s' (%s, %s)", path, last_part(path),
                    origin->setting, origin->source->where);
}

static Status no_rows(const DataOrigin *origin, const char *path, int of_clips, MmlArena *arena) {
    const char **inner = NULL;
    i64 count = 0;
    if (of_clips)
        return mml_fail(MML_EDATA, "the class folder '%s' holds no clips: each is a folder of pictures in it (%s, %s)", path, origin->setting,
                        origin->source->where);
    MML_TRY(list_names(origin, path, 1, arena, &inner, &count));
    if (count > 0)
        return mml_fail(MML_EDATA, "'%s' holds folders and no picture; classes are the folders directly below %s (%s): give a folder "
                        "one level further down, and `test =` another", path, origin->setting, origin->source->where);
    return mml_fail(MML_EDATA, "the class folder '%s' holds no picture (PNG or JPEG); remove it or fill it", path);
}

Status mml_folder_list(const DataOrigin *origin, int of_clips, const FolderList *known, MmlArena *arena, FolderList *out) {
    const char **folders = NULL, **paths = NULL;
    i64 count = 0, found = 0;
    *out = (FolderList){ 0 };
    MML_TRY(mml_data_need_folder(origin));
    MML_TRY(list_names(origin, origin->value, 1, arena, &folders, &count));
    if (count == 0)
        return mml_fail(MML_EDATA, "'%s' has no folders; each class is a folder of pictures (%s, %s)", origin->value, origin->setting,
                        origin->source->where);
    out->class_count = count;
    out->classes = MML_NEW(arena, const char *, count);
    if (!out->classes) return MML_ENOMEM;
    for (i64 i = 0; i < count; i++) {
        i64 class = i;
        out->classes[i] = last_part(folders[i]);
        if (known) MML_TRY(known_class(origin, known, folders[i], &class));
        MML_TRY(list_names(origin, folders[i], of_clips, arena, &paths, &found));
        if (found == 0 && !known) return no_rows(origin, folders[i], of_clips, arena);
        MML_TRY(add_files(out, paths, found, class, arena));
    }
    if (out->file_count == 0) return no_rows(origin, origin->value, of_clips, arena);
    return MML_OK;
}
