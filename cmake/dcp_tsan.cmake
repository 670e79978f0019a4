# SPDX-License-Identifier: Apache-2.0
#
# Which tests the thread sanitizer watches: those whose program links no gRPC, since stock gRPC is not
# built with the sanitizer and its synchronisation would be reported as races of ours. `scripts/test --sanitize`
# builds the target tsan_tests and runs the label tsan; unit.registered refuses a test that is neither
# watched, nor left out with a reason, nor linked to gRPC.
add_custom_target(tsan_tests)

# dcp_links_grpc(TARGET RESULT): by what TARGET links, and what that links in turn.
function(dcp_links_grpc target result)
  set(open ${target})
  set(seen)
  set(${result} FALSE PARENT_SCOPE)
  while(open)
    list(POP_FRONT open next)
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" next "${next}")
    if(next MATCHES "^gRPC::")
      set(${result} TRUE PARENT_SCOPE)
      return()
    elseif(next IN_LIST seen)
      continue()
    endif()
    list(APPEND seen ${next})
    if(TARGET ${next})
      foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
        get_target_property(libraries ${next} ${property})
        if(libraries)
          list(APPEND open ${libraries})
        endif()
      endforeach()
    elseif(next MATCHES "^dcp_")
      message(FATAL_ERROR "dcp_links_grpc(${target}): ${next} is not known yet; add its folder before this one")
    endif()
  endwhile()
endfunction()

# dcp_tsan_test(TEST PROGRAM): TEST, which runs the target PROGRAM, is watched unless that links gRPC.
function(dcp_tsan_test test program)
  dcp_links_grpc(${program} grpc)
  if(NOT grpc)
    set_property(TEST ${test} APPEND PROPERTY LABELS tsan)
    add_dependencies(tsan_tests ${program})
  endif()
endfunction()

# dcp_no_tsan_test(TEST REASON): TEST is not watched though its program links no gRPC. The reason is for
# the reader of the CMake file.
function(dcp_no_tsan_test test reason)
  if(reason STREQUAL "")
    message(FATAL_ERROR "dcp_no_tsan_test(${test}): say why the thread sanitizer has nothing to find there")
  endif()
  set_property(TEST ${test} APPEND PROPERTY LABELS no_tsan)
endfunction()
