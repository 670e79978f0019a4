# SPDX-License-Identifier: Apache-2.0
#
# find_package(dcp_sdk): the target dcp::sdk (headers, threads) and the function dcp_add_plugin().
# Every path is relative to this file, so the prefix may be moved.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
if(NOT TARGET dcp::sdk)
  get_filename_component(dcp_sdk_PREFIX ${CMAKE_CURRENT_LIST_DIR}/../../.. ABSOLUTE)
  add_library(dcp::sdk INTERFACE IMPORTED)
  set_target_properties(dcp::sdk PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${dcp_sdk_PREFIX}/include
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS}")
endif()
include(${CMAKE_CURRENT_LIST_DIR}/dcp_add_plugin.cmake)
