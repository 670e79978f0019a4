# SPDX-License-Identifier: Apache-2.0
#
# dcp_add_plugin(NAME SOURCES a.cc... MANIFEST manifest.json [CONFIG_SCHEMA schema.json] [LIBS target...])
#   Builds NAME.so as a Pretzel plugin: exports the entry symbol alone, never unloads, and carries
#   the manifest both in the ELF section ".dcp.manifest" (read before anything of the plugin runs)
#   and, for the code, as dcp_manifest_data / dcp_manifest_size (declared in dcp/sdk/plugin.h).
#   CONFIG_SCHEMA  the manifest's key "config_schema" in a file of its own
set(DCP_SDK_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

# Sets `out` to the manifest with the schema in it. As text, since string(JSON SET) would sort the
# keys, and people read them in the order they were written in.
function(dcp_merge_config_schema out name manifest schema_file)
  get_filename_component(schema_path ${schema_file} ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schema_path})
  file(READ ${schema_path} schema)
  string(JSON type ERROR_VARIABLE error TYPE "${schema}")
  if(error)
    message(FATAL_ERROR "dcp_add_plugin(${name}): ${schema_file} is not JSON: ${error}")
  elseif(NOT type STREQUAL "OBJECT")
    message(FATAL_ERROR "dcp_add_plugin(${name}): ${schema_file} is no JSON Schema: it must be an object")
  endif()
  string(JSON present ERROR_VARIABLE missing TYPE "${manifest}" config_schema)
  if(NOT missing)
    message(FATAL_ERROR "dcp_add_plugin(${name}): the manifest has a config_schema already, so ${schema_file} is one too many")
  endif()
  string(FIND "${manifest}" "}" end REVERSE)
  string(SUBSTRING "${manifest}" 0 ${end} head)
  string(STRIP "${head}" head)
  string(STRIP "${schema}" schema)
  set(${out} "${head},\n  \"config_schema\": ${schema}\n}\n" PARENT_SCOPE)
endfunction()

function(dcp_add_plugin name)
  cmake_parse_arguments(arg "" "MANIFEST;CONFIG_SCHEMA" "SOURCES;LIBS" ${ARGN})
  if(NOT arg_MANIFEST OR NOT arg_SOURCES)
    message(FATAL_ERROR "dcp_add_plugin(${name}): SOURCES and MANIFEST are needed")
  endif()
  get_filename_component(manifest ${arg_MANIFEST} ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${manifest})
  file(READ ${manifest} manifest_text)
  string(JSON manifest_id ERROR_VARIABLE error GET "${manifest_text}" id)
  if(error)
    message(FATAL_ERROR "dcp_add_plugin(${name}): ${arg_MANIFEST} is not a plugin manifest: ${error}")
  endif()
  if(arg_CONFIG_SCHEMA)
    dcp_merge_config_schema(manifest_text ${name} "${manifest_text}" ${arg_CONFIG_SCHEMA})
    set(manifest ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest.json)
    file(WRITE ${manifest} "${manifest_text}")
  endif()
  file(READ ${manifest} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest.c @ONLY CONTENT
"#include <stddef.h>
__attribute__((used, retain, section(\".dcp.manifest\"), visibility(\"hidden\")))
const unsigned char dcp_manifest_data[@size@] = {@bytes@};
__attribute__((visibility(\"hidden\"))) const size_t dcp_manifest_size = @size@;
")
  add_library(${name} MODULE ${arg_SOURCES} ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest.c)
  set_target_properties(${name} PROPERTIES
    PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${DCP_SDK_CMAKE_DIR}/dcp_plugin.map)
  if(DCP_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${DCP_PLUGIN_OUTPUT_DIRECTORY})
  endif()
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE
    -Wl,--version-script=${DCP_SDK_CMAKE_DIR}/dcp_plugin.map
    -Wl,--exclude-libs,ALL -Wl,-z,defs -Wl,-z,nodelete)
  target_link_libraries(${name} PRIVATE dcp::sdk ${arg_LIBS})
endfunction()
