# SPDX-License-Identifier: Apache-2.0
#
# dcp_nanoarrow: Arrow's IPC format, from the sources in DCP_NANOARROW (scripts/lib/setup.sh); none of
# them is checked in. The encoder is in it because the decoder needs a part of it; the writer is for
# tests.
set(DCP_NANOARROW "${PROJECT_SOURCE_DIR}/.local/nanoarrow" CACHE PATH
  "Folder with the sources of nanoarrow (src/) and flatcc (flatcc/), from nanoarrow's pinned source distribution")
if(NOT EXISTS ${DCP_NANOARROW}/src/nanoarrow/nanoarrow_ipc.h)
  message(FATAL_ERROR
    "${DCP_NANOARROW}/src/nanoarrow/nanoarrow_ipc.h is not there: run scripts/lib/setup.sh's setup_nanoarrow, or\n"
    "unpack the source distribution named in stack/sources.txt and configure with -DDCP_NANOARROW=<folder>.")
endif()

# The version is that of stack/sources.txt; nanoarrow compares it with itself at run time.
file(STRINGS ${PROJECT_SOURCE_DIR}/stack/sources.txt dcp_nanoarrow_pin REGEX "^nanoarrow==")
string(REGEX MATCH "([0-9]+)\\.([0-9]+)\\.([0-9]+)" NANOARROW_VERSION "${dcp_nanoarrow_pin}")
set(NANOARROW_VERSION_MAJOR ${CMAKE_MATCH_1})
set(NANOARROW_VERSION_MINOR ${CMAKE_MATCH_2})
set(NANOARROW_VERSION_PATCH ${CMAKE_MATCH_3})
set(NANOARROW_NAMESPACE_DEFINE "#define NANOARROW_NAMESPACE Dcp")
set(dcp_nanoarrow_gen ${PROJECT_BINARY_DIR}/gen/nanoarrow)
configure_file(${DCP_NANOARROW}/src/nanoarrow/nanoarrow_config.h.in
  ${dcp_nanoarrow_gen}/nanoarrow/nanoarrow_config.h @ONLY)

# flatcc's verifier looks at whatever it refuses twice, on each level anew: a schema nested some 50 deep,
# or a broken one, takes for ever. The copy that is compiled looks once.
set(dcp_verifier ${dcp_nanoarrow_gen}/verifier.c)
set(dcp_verifier_twice "#define check_result(x) if (x) { return (x); }")
file(READ ${DCP_NANOARROW}/flatcc/src/runtime/verifier.c dcp_verifier_text)
string(FIND "${dcp_verifier_text}" "${dcp_verifier_twice}" dcp_verifier_at)
if(dcp_verifier_at EQUAL -1)
  message(FATAL_ERROR "flatcc's verifier.c is not the one that cmake/dcp_nanoarrow.cmake knows: "
    "see whether check_result still evaluates its argument twice, and mend or remove the replacement")
endif()
string(REPLACE "${dcp_verifier_twice}"
  "#define check_result(x) do { int result_ = (x); if (result_) return result_; } while (0)"
  dcp_verifier_text "${dcp_verifier_text}")
file(CONFIGURE OUTPUT ${dcp_verifier} CONTENT "${dcp_verifier_text}" @ONLY)

set(dcp_nanoarrow_sources
  src/nanoarrow/common/array.c src/nanoarrow/common/array_stream.c src/nanoarrow/common/schema.c
  src/nanoarrow/common/utils.c src/nanoarrow/ipc/codecs.c src/nanoarrow/ipc/decoder.c
  src/nanoarrow/ipc/encoder.c src/nanoarrow/ipc/writer.c
  flatcc/src/runtime/builder.c flatcc/src/runtime/emitter.c flatcc/src/runtime/refmap.c)
list(TRANSFORM dcp_nanoarrow_sources PREPEND ${DCP_NANOARROW}/)
add_library(dcp_nanoarrow STATIC EXCLUDE_FROM_ALL ${dcp_nanoarrow_sources} ${dcp_verifier})
# Each type within a type takes two of the verifier's levels; arrow_rows.h sets the bound that is told.
target_compile_definitions(dcp_nanoarrow PRIVATE FLATCC_VERIFIER_MAX_LEVELS=300)
# No symbol of theirs leaves the plugin that links them. Not our code, so not our warnings.
set_target_properties(dcp_nanoarrow PROPERTIES C_VISIBILITY_PRESET hidden)
target_compile_options(dcp_nanoarrow PRIVATE -w)
target_include_directories(dcp_nanoarrow SYSTEM PUBLIC
  ${DCP_NANOARROW}/src ${DCP_NANOARROW}/flatcc/include ${dcp_nanoarrow_gen})
