/* SPDX-License-Identifier: Apache-2.0
 *
 * Embeds manifest.json (or what DCP_MANIFEST names, in quotes) as dcp_add_plugin() does, for builds
 * without CMake: in the ELF section that is read before anything of the plugin runs, and for the
 * code as dcp_manifest_data and dcp_manifest_size.
 */
#ifndef DCP_MANIFEST
#define DCP_MANIFEST "manifest.json"
#endif

	.section .dcp.manifest, "aR", %progbits
	.globl dcp_manifest_data
	.hidden dcp_manifest_data
	.type dcp_manifest_data, %object
dcp_manifest_data:
	.incbin DCP_MANIFEST
dcp_manifest_end:
	.size dcp_manifest_data, dcp_manifest_end - dcp_manifest_data

	.section .rodata
	.balign 8
	.globl dcp_manifest_size
	.hidden dcp_manifest_size
	.type dcp_manifest_size, %object
dcp_manifest_size:
	.quad dcp_manifest_end - dcp_manifest_data
	.size dcp_manifest_size, 8

	.section .note.GNU-stack, "", %progbits
