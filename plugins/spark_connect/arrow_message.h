/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at the head of an Arrow message that nanoarrow's own verification leaves out. C, because
 * the generated accessors are. */
#pragma once

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a head that nanoarrow has verified holds what it says it does: a union in a flatbuffer
 * may name a type and have no value, and the decoder does not ask. `message` is the flatbuffer,
 * without prefix. */
bool dcp_arrow_message_has_header(const void* message);

#ifdef __cplusplus
}
#endif
