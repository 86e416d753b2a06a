/* Real data where it is there: Debian's Fashion-MNIST, the shared mfeat and the shared sounds. */
#include "program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "data/sounds.h"

static int missing(const char *path) {
    if (access(path, R_OK) == 0) return 0;
    fprintf(stderr, "skipped: there is no %s\n", path);
    return 1;
}

/* First labels and, of train image 0, the mean, as torchvision reads them. */
Test(real, fashion_mnist_starts_with_its_known_labels) {
    const char *root = "/usr/share/datasets/fashion-mnist";
    if (missing(root)) return;
    Program *p = program_new();
    add_source(p, "clothes", "idx", root);
    set_int(p, "data.clothes.limit", 1000);
    add_modality(p, "gray", "image[1, 28, 28]", "image", 3, 1, 28, 28);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "1000 train, 10000 test");
    static const i64 train[] = { 9, 0, 0, 3, 0, 2, 7, 2, 5, 5 }, test[] = { 9, 2, 1, 1, 6, 1, 4, 6, 5, 7 };
    static float image[784];
    for (i64 i = 0; i < 10; i++) {
        i64 label, number;
        sample_of(data, MML_TRAIN, i, 1, 0, p, 0, image, &label, NULL);
        cr_assert_eq(label, train[i]);
        sample_of(data, MML_TEST, i, 1, 0, p, 0, image, &label, &number);
        cr_assert_eq(label, test[i]);
        cr_assert_eq(number, 60000 + i);
    }
    program_free(p);
}

/* 2,000 rows sorted by class, 200 each; the first row of fou begins 0.065882. */
Test(real, mfeat_joins_its_views_and_splits_by_row) {
    const char *folder = MML_SHARED_DIR "/data/mfeat";
    if (missing(folder)) return;
    Program *p = program_new();
    add_csv(p, "views", "mfeat-fou.csv", "mfeat-zer.csv", NULL);
    set_text(p, "data.views.file1", MML_SHARED_DIR "/data/mfeat/mfeat-fou.csv");
    set_text(p, "data.views.file2", MML_SHARED_DIR "/data/mfeat/mfeat-zer.csv");
    set_word(p, "data.views.label", "last");
    set_word(p, "data.views.test", "every");
    set_int(p, "data.views.test.every", 4);
    set_int(p, "data.views.test.of", 3);
    set_real(p, "data.views.holdout", 0.2);
    add_modality(p, "fourier", "vector[76]", "mfeat-fou", 1, 76);
    add_modality(p, "zernike", "vector[47]", "mfeat-zer", 1, 47);
    MmlData *data = open_data(p);
    cr_assert_str_eq(mml_data_describe(data), "1200 train, 300 validation, 500 test");
    float fourier[76];
    i64 label, number;
    for (i64 i = 0; i < 500; i += 50) {
        sample_of(data, MML_TEST, i, 1, 0, p, 0, fourier, &label, &number);
        cr_assert_eq(number, 4 * i + 3);
        cr_assert_eq(label, number / 200);
    }
    for (i64 i = 0; i < 1200; i++) {
        sample_of(data, MML_TRAIN, i, 1, 0, p, 0, fourier, &label, &number);
        if (number == 0) expect_near(fourier[0], 0.065882, 1e-8, "first cell");
        cr_assert_eq(label, number / 200);
    }
    program_free(p);
}

/* 16 kHz: mono, and stereo with a LIST chunk before its data. */
Test(real, sounds_that_ffmpeg_wrote_are_read_whole) {
    DataSound sounds[2] = { { .path = MML_SHARED_DIR "/data/grid/bbaf2n.wav" },
                            { .path = MML_SHARED_DIR "/data/ucf101/ApplyEyeMakeup_g01_c01.16k.wav" } };
    if (missing(sounds[0].path) || missing(sounds[1].path)) return;
    mml_sounds_open(&(DataSource){ 0 }, sounds, 2);
    for (int i = 0; i < 2; i++) {
        cr_assert_null(sounds[i].why, "%s", sounds[i].why);
        cr_assert_eq(sounds[i].rate, 16000);
    }
    cr_assert_eq(sounds[0].samples, (95340 - 44) / 2);
    cr_assert_eq(sounds[1].samples, (419710 - 78) / 4);
    mml_sounds_free(sounds, 2);
}

/* data/README.md: recordings 10 to 49 with four images each, 5 to 9, and 0 to 4. */
Test(real, spoken_and_written_digits_have_their_published_splits) {
    const char *root = MML_SHARED_DIR "/data";
    if (missing(MML_SHARED_DIR "/data/avdigits/train.csv")) return;
    Program *p = program_new();
    add_source(p, "digits", "av_digits", root);
    add_modality(p, "image", "image[1, 28, 28]", "image", 3, 1, 28, 28);
    add_modality(p, "sound", "vector[800]", "wav", 1, 800);
    add_mono(p, 8000);
    add_fit(p, 0.1, "tile", 800);
    MmlData *data = open_data_with(p, 1, 2);
    cr_assert_str_eq(mml_data_describe(data), "8000 train, 1000 validation, 1000 test");
    static float sound[800];
    i64 label;
    sample_of(data, MML_TEST, 0, 1, 0, p, 1, sound, &label, NULL);
    cr_assert_eq(label, 1);                                    /* 1_lucas_3.wav */
    program_free(p);
}
