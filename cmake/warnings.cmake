# SPDX-License-Identifier: Apache-2.0
#
# dcp_warnings: what every target of our own is compiled with. Errors only in presets (DCP_WERROR),
# so that a newer compiler never stops somebody who merely builds.
add_library(dcp_warnings INTERFACE)
target_compile_options(dcp_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
  -Wformat=2 -Woverloaded-virtual -Wimplicit-fallthrough -Wundef)
# gcc 12 sees overlapping memcpy in plain std::string concatenation (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(dcp_warnings INTERFACE -Wno-restrict)
endif()
if(DCP_WERROR)
  target_compile_options(dcp_warnings INTERFACE -Werror)
endif()

# Hardening for release builds; sanitizers bring their own checks.
if(NOT DCP_SANITIZE)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_compile_options($<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
endif()
if(DCP_SANITIZE)
  add_compile_options(-fsanitize=${DCP_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DCP_SANITIZE})
  if(DCP_SANITIZE MATCHES "thread")
    # The thread sanitizer knows no fences; Asio's can be left out, for its mutexes order what it guards.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
  if(DCP_SANITIZE MATCHES "undefined")
    # Debian's SOCI hides the type information that this one check asks for. What is found ends the
    # process: a report that nobody reads is none.
    add_compile_options(-fno-sanitize=vptr -fno-sanitize-recover=undefined)
  endif()
  # Into every program: workers and jobs get no environment that could carry options.
  set(DCP_SANITIZER_REPORTS ${PROJECT_BINARY_DIR}/sanitizer-reports)
  file(MAKE_DIRECTORY ${DCP_SANITIZER_REPORTS})
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/sanitizer_options.cc @ONLY CONTENT
"// Reports go to files, since a daemon's stderr is read by nobody. Signals stay signals: tests look at
// how a faulty plugin dies.
#define OPTIONS \"log_path=@DCP_SANITIZER_REPORTS@/report:handle_segv=0:handle_abort=0:handle_sigfpe=0:handle_sigill=0:handle_sigbus=0\"
extern \"C\" {
const char* __asan_default_options();
const char* __ubsan_default_options();
const char* __tsan_default_options();
const char* __asan_default_options() { return OPTIONS \":detect_stack_use_after_return=1\"; }
const char* __ubsan_default_options() { return OPTIONS \":print_stacktrace=1\"; }
const char* __tsan_default_options() { return OPTIONS \":halt_on_error=1\"; }
}
")
  add_library(dcp_sanitizer_options OBJECT ${PROJECT_BINARY_DIR}/sanitizer_options.cc)
  link_libraries($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:dcp_sanitizer_options>>)
endif()
