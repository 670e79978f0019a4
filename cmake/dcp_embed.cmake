# SPDX-License-Identifier: Apache-2.0
#
# dcp_embed_text(FILE NAMESPACE FUNCTION OUTPUT)
#   Makes a source file that defines `std::string_view NAMESPACE::FUNCTION()`, the text of FILE, and
#   puts its path into the variable OUTPUT. A header of the room declares the function. The text
#   travels as bytes: no quoting, no limit on a literal's length. A change of FILE configures anew.
function(dcp_embed_text file namespace function output)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} hex HEX)
  if(hex STREQUAL "")
    message(FATAL_ERROR "dcp_embed_text: ${file} is empty")
  endif()
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${output}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"#include <string_view>
namespace @namespace@ {
std::string_view @function@();
std::string_view @function@() {
  static constexpr unsigned char kBytes[@size@] = {@bytes@};
  return {reinterpret_cast<const char*>(kBytes), sizeof kBytes};
}
}  // namespace @namespace@
")
  set(${output} ${source} PARENT_SCOPE)
endfunction()
