/* CSV and TensorBoard events as projections of the JSON lines. */
#include "toy.h"

#include "train/event_file.h"
#include "train/files.h"
#include "train/log_views.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const MmlModality modalities[] = {{.name = "gray"}, {.name = "co-lor"}};
static const MmlStage stages[] = {{.name = "first", .kind = MML_STAGE_UNIMODAL}, {.name = "second", .kind = MML_STAGE_JOINT}};
static const MmlExperiment experiment = {.modality_count = 2, .modalities = modalities, .stage_count = 2, .stages = stages};
static const i64 stage_epochs[] = {3, 0};

static const char metrics[] =
    "{\"stage\": \"first\", \"epoch\": 3, \"split\": \"train\", \"loss\": 0.1, \"accuracy\": null, \"head\": {\"gray\": 0.5, \"co-lor\": null},"
    " \"head_loss\": {\"gray\": 1, \"co-lor\": 2}, \"lr\": 0.01, \"active\": [\"gray\"], \"samples\": 7, \"seconds\": 1.5}\n"
    "{\"stage\": \"second\", \"epoch\": 2, \"split\": \"train\", \"loss\": 0.25, \"accuracy\": 0.75, \"head\": {\"gray\": 0.5, \"co-lor\": 0.5},"
    " \"head_loss\": {\"gray\": 1, \"co-lor\": 2}, \"lr\": {\"gray\": 0.1, \"co-lor\": 0.2, \"fusion\": 0.3}, \"active\": [\"gray\", \"co-lor\"], \"samples\": 7, \"seconds\": 1.5}\n";
static const char probes[] =
    "{\"stage\": \"first\", \"epoch\": 2, \"measure\": \"probe\", \"redundancy\": 0.4, \"unique\": {\"gray\": 0.1, \"co-lor\": 0.2}, \"synergy\": 0.3,"
    " \"active\": [\"gray\"], \"decision\": {\"actions\": [\"only(gray)\"], \"finish\": \"it \\\"fell\\\", so\", \"say\": []}}\n";

static char path[512];

static const char *in_folder(const char *folder, const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static char *view_of(const char *name, size_t *size) {
    const char *folder = toy_folder();
    char *bytes;
    cr_assert_eq(mml_replace_file(in_folder(folder, "metrics.jsonl"), metrics, sizeof metrics - 1), MML_OK);
    cr_assert_eq(mml_replace_file(in_folder(folder, "probes.jsonl"), probes, sizeof probes - 1), MML_OK);
    MmlLogViews views = mml_log_views_none(&experiment);
    cr_assert_eq(mml_log_views_start(&views, folder, stage_epochs), MML_OK, "%s", mml_message());
    mml_log_views_close(&views);
    cr_assert_eq(mml_read_file(in_folder(folder, name), &bytes, size), MML_OK);
    toy_remove(folder);
    return bytes;
}

Test(log_views, write_metrics_as_csv_with_a_column_a_modality) {
    size_t size;
    char *text = view_of("metrics.csv", &size);
    cr_assert_str_eq(text,
        "stage,epoch,split,loss,accuracy,head.gray,head.co-lor,head_loss.gray,head_loss.co-lor,lr.gray,lr.co-lor,lr.fusion,active,samples,seconds\n"
        "first,3,train,0.1,,0.5,,1,2,0.01,,,gray,7,1.5\n"
        "second,2,train,0.25,0.75,0.5,0.5,1,2,0.1,0.2,0.3,gray co-lor,7,1.5\n");
    free(text);
}

/* Logs of a folder that is resumed may have been edited. */
Test(log_views, leave_out_what_is_no_text_in_a_list) {
    const char *folder = toy_folder();
    static const char line[] = "{\"stage\": \"first\", \"epoch\": 1, \"split\": \"train\", \"lr\": 0.5, \"active\": [1, null, \"gray\"]}\n";
    char *bytes;
    size_t size;
    cr_assert_eq(mml_replace_file(in_folder(folder, "metrics.jsonl"), line, sizeof line - 1), MML_OK);
    cr_assert_eq(mml_replace_file(in_folder(folder, "probes.jsonl"), "", 0), MML_OK);
    MmlLogViews views = mml_log_views_none(&experiment);
    cr_assert_eq(mml_log_views_start(&views, folder, stage_epochs), MML_OK, "%s", mml_message());
    mml_log_views_close(&views);
    cr_assert_eq(mml_read_file(in_folder(folder, "metrics.csv"), &bytes, &size), MML_OK);
    cr_assert_not_null(strstr(bytes, "\nfirst,1,train,,,,,,,0.5,,,gray,,\n"), "%s", bytes);
    free(bytes);
    toy_remove(folder);
}

Test(log_views, quote_what_a_policy_said) {
    size_t size;
    char *text = view_of("probes.csv", &size);
    cr_assert_not_null(strstr(text, ",only(gray),\"it \"\"fell\"\", so\","), "%s", text);
    free(text);
}

/* The published check value of CRC-32C. */
Test(event_file, has_the_checksum_of_castagnoli) { cr_assert_eq(mml_crc32c("123456789", 9), 0xe3069283u); }

static u64 little(const u8 *at, int bytes) {
    u64 value = 0;
    for (int i = 0; i < bytes; i++) value |= (u64)at[i] << 8 * i;
    return value;
}

static u32 unmasked(u32 crc) {
    crc -= 0xa282ead8u;
    return crc << 15 | crc >> 17;
}

/* The event of one scalar, byte by byte as event.proto and record_writer.cc say. */
Test(event_file, writes_a_scalar_as_its_protocol_says) {
    u8 record[MML_EVENT_BYTES];
    size_t size = mml_event_scalar(1.0, 300, "a/b", 0.5, record);
    static const u8 message[] = {
        0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f,             /* wall_time = 1.0                        */
        0x10, 0xac, 0x02,                               /* step = 300                             */
        0x2a, 12, 0x0a, 10, 0x0a, 3, 'a', '/', 'b',     /* summary { value { tag = "a/b"          */
        0x15, 0, 0, 0, 0x3f,                            /*     simple_value = 0.5 } }             */
    };
    cr_assert_eq(size, 8 + 4 + sizeof message + 4);
    cr_assert_eq(little(record, 8), sizeof message);
    cr_assert_eq(unmasked((u32)little(record + 8, 4)), mml_crc32c(record, 8));
    cr_assert_arr_eq(record + 12, message, sizeof message);
    cr_assert_eq(unmasked((u32)little(record + 12 + sizeof message, 4)), mml_crc32c(message, sizeof message));
}

/* Steps are epochs through all stages: 3 of the first, then the second's; a probe lies at those before it. */
Test(log_views, count_steps_of_events_through_the_stages) {
    size_t size, at = 0;
    u8 *bytes = (u8 *)view_of("events.out.tfevents.0.mml", &size);
    int found = 0, events = 0;
    for (; at < size; at += 16 + (size_t)little(bytes + at, 8), events++) {
        const u8 *message = bytes + at + 12;
        size_t length = (size_t)little(bytes + at, 8);
        cr_assert_leq(at + 16 + length, size);
        if (events == 0) continue;
        const char *tag = (const char *)message + 17;
        if (!memcmp(tag, "accuracy/train", 14)) found += message[10] == 5;
        if (!memcmp(tag, "synergy/probe", 13)) found += message[10] == 1;
        if (!memcmp(tag, "head.gray/train", 15)) found += message[10] == 3 || message[10] == 5;
    }
    cr_assert_eq(at, size);
    cr_assert_eq(found, 4);
    free(bytes);
}

Test(event_file, cuts_a_tag_that_has_no_room) {
    u8 record[MML_EVENT_BYTES];
    char tag[400];
    memset(tag, 't', sizeof tag - 1);
    tag[sizeof tag - 1] = 0;
    cr_assert_leq(mml_event_scalar(1e9, (i64)1 << 60, tag, 1, record), sizeof record);
}
