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
  if(DCP_SANITIZE MATCHES "undefined")
    # Debian's SOCI hides the type information that this one check asks for.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()
