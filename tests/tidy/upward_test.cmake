# SPDX-License-Identifier: Apache-2.0
# Configures the project in ${PROBE} twice: a downward dependency passes, an upward one does not.
function(configure uses_upward result output)
  file(REMOVE_RECURSE ${SCRATCH})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${PROBE} -B ${SCRATCH} -D DCP_ROOM_FILE=${DCP_ROOM_FILE}
      -D USES_UPWARD=${uses_upward}
    RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  set(${result} ${code} PARENT_SCOPE)
  string(REGEX REPLACE "[ \n]+" " " text "${out} ${err}")
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

configure(OFF result output)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "a downward dependency is refused: ${output}")
endif()
configure(ON result output)
if(result EQUAL 0)
  message(FATAL_ERROR "store may use graph, which stands above it")
endif()
if(NOT output MATCHES "dcp_room\\(store\\): an upward dependency on 'graph'")
  message(FATAL_ERROR "the refusal does not say why: ${output}")
endif()
