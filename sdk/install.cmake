# SPDX-License-Identifier: Apache-2.0
#
# `cmake --install BUILD --component sdk --prefix P`: all that an author needs who has never seen this
# tree. Nothing installed holds an absolute path (tests/sdk looks), so P may be moved or packed.
#
# `pretzel` belongs to it although it is also an operator's program: `pretzel plugin new` is an
# author's first command, and finds the templates beside itself. The worker and dcp-plugin-call run
# a plugin as the daemon would.
set(dcp_sdk_cmake lib/cmake/dcp_sdk)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/dcp_sdk-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
configure_file(cmake/dcp_sdk.pc.in ${CMAKE_CURRENT_BINARY_DIR}/dcp_sdk.pc @ONLY)

install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dcp_sdk-config-version.cmake cmake/dcp_sdk-config.cmake
  cmake/dcp_add_plugin.cmake cmake/dcp_plugin.map DESTINATION ${dcp_sdk_cmake} COMPONENT sdk)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dcp_sdk.pc DESTINATION lib/pkgconfig COMPONENT sdk)
install(DIRECTORY include/ ${PROJECT_SOURCE_DIR}/plugin_api/include/ DESTINATION include COMPONENT sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/plugin_api/proto DESTINATION share/dcp_sdk COMPONENT sdk)
install(DIRECTORY templates DESTINATION share/dcp_sdk COMPONENT sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/plugins/ DESTINATION share/dcp_sdk/examples
  COMPONENT sdk USE_SOURCE_PERMISSIONS)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/plugins/ DESTINATION share/doc/dcp_sdk COMPONENT sdk)

# Targets are of other folders, and known when the whole tree has been read.
function(dcp_install_sdk_programs)
  foreach(program pretzel dcp-plugin-worker dcp-plugin-call dcp-plugin-check dcp-plugin-probe)
    if(TARGET ${program})
      install(PROGRAMS $<TARGET_FILE:${program}> DESTINATION bin COMPONENT sdk)
    endif()
  endforeach()
endfunction()
cmake_language(DEFER DIRECTORY ${PROJECT_SOURCE_DIR} CALL dcp_install_sdk_programs)
