/* SPDX-License-Identifier: Apache-2.0 */
/* Not a plugin: a library that plugins beside it need. */
int dcp_bad_stub(void);
int dcp_bad_stub(void) { return 7; }
