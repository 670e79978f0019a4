# SPDX-License-Identifier: Apache-2.0
#
# dcp_warnings: what every target of our own is compiled with. Errors only in presets (DCP_WERROR),
# so that a newer compiler never stops somebody who merely builds.
add_library(dcp_warnings INTERFACE)
target_compile_options(dcp_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wcast-qual -Wformat=2 -Wimplicit-fallthrough
  -Wundef $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Wold-style-cast;-Woverloaded-virtual>)
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
endif()
