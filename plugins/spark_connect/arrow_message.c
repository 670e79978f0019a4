/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow_message.h"

#include <nanoarrow/ipc/flatcc_generated.h>

bool dcp_arrow_message_has_header(const void* message) {
  org_apache_arrow_flatbuf_Message_table_t root = org_apache_arrow_flatbuf_Message_as_root(message);
  return root != NULL && org_apache_arrow_flatbuf_Message_header_get(root) != NULL;
}
