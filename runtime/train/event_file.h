/* Records of a TensorBoard event file.
 *
 * A TFRecord is: length (u64, little endian), masked CRC-32C of the length, the
 * bytes, masked CRC-32C of the bytes. The bytes are an Event message of
 * tensorflow/core/util/event.proto: wall_time = 1, step = 2, file_version = 3,
 * summary = 5 with value = 1 { tag = 1, simple_value = 2 }.
 */
#ifndef TRAIN_EVENT_FILE_H
#define TRAIN_EVENT_FILE_H

#include <stddef.h>
#include "mml/base.h"

#define MML_EVENT_TAG   160
#define MML_EVENT_BYTES (MML_EVENT_TAG + 64)       /* room that one record needs at most */

/* CRC-32C (Castagnoli, reflected polynomial 0x82f63b78) of count bytes. */
u32 mml_crc32c(const void *bytes, size_t count);

/* Each writes one record to out[MML_EVENT_BYTES] and gives its length. wall: seconds since 1970. */
size_t mml_event_version(double wall, u8 *out);
/* A tag longer than MML_EVENT_TAG bytes is cut there. */
size_t mml_event_scalar(double wall, i64 step, const char *tag, double value, u8 *out);

#endif
