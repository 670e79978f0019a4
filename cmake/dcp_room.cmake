# SPDX-License-Identifier: Apache-2.0
#
# Rooms: the libraries of core/, one folder each. Arrows go down this list only; dcp_room() refuses
# any other at configure time, and tests/tidy checks the #include lines against the same list.
include(${CMAKE_CURRENT_LIST_DIR}/dcp_tsan.cmake)

set(DCP_ROOM_ORDER cli daemon api graph playground catalog gateway plugin_check host store os schema config log base)

# dcp_room(NAME SOURCES a.cc... [USES room...] [LIBS target...] [TESTS a_test.cc...] [TEST_LIBS target...])
#   SOURCES   may be empty for a header-only room
#   USES      rooms further down DCP_ROOM_ORDER; public
#   LIBS      third-party targets; private, because their headers stay in .cc files
#   TESTS     become the program dcp_NAME_test, registered with ctest under the label `unit`, and
#             under `tsan` when the room links no gRPC
function(dcp_room name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;LIBS;TESTS;TEST_LIBS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "dcp_room(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(FIND DCP_ROOM_ORDER ${name} self)
  if(self EQUAL -1)
    message(FATAL_ERROR "dcp_room(${name}): not a room. Rooms, top to bottom: ${DCP_ROOM_ORDER}")
  endif()
  foreach(used IN LISTS arg_USES)
    list(FIND DCP_ROOM_ORDER ${used} other)
    if(other EQUAL -1)
      message(FATAL_ERROR "dcp_room(${name}): USES ${used}, which is no room. Rooms, top to bottom: ${DCP_ROOM_ORDER}")
    elseif(NOT other GREATER self)
      message(FATAL_ERROR "dcp_room(${name}): an upward dependency on '${used}'. "
        "Arrows go down only: ${DCP_ROOM_ORDER}")
    endif()
    list(APPEND used_targets dcp_${used})
  endforeach()
  if(arg_SOURCES)
    add_library(dcp_${name} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(dcp_${name} PRIVATE dcp_warnings ${arg_LIBS})
  else()
    add_library(dcp_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(dcp_${name} ${scope} ${PROJECT_SOURCE_DIR}/core)
  target_link_libraries(dcp_${name} ${scope} ${used_targets})
  if(arg_TESTS AND DCP_BUILD_TESTS)
    add_executable(dcp_${name}_test ${arg_TESTS})
    target_link_libraries(dcp_${name}_test PRIVATE dcp_${name} dcp_warnings GTest::gmock GTest::gtest_main
                          ${arg_LIBS} ${arg_TEST_LIBS})
    add_test(NAME unit.${name} COMMAND dcp_${name}_test)
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 120)
    dcp_tsan_test(unit.${name} dcp_${name}_test)
  endif()
endfunction()
