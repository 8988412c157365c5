# Code laid out by how often it runs (docs/decisions/0225). A build with PT_PROFILE first builds what decides about one
# response a second time, in training/, with counters, lets that answer the recorded responses, and then compiles by the
# counts. Neither clock nor chance is in them, so two builds of the same sources are the same. What is never run there
# is compiled as without counts.
set(PT_TRAINING "" CACHE PATH "Set by PT_PROFILE for the build with counters: the folder that they are written to")
mark_as_advanced(PT_TRAINING)

if(PT_TRAINING)
    set(counting -fprofile-generate -fprofile-update=single -fprofile-dir=${PT_TRAINING}
                 -fprofile-prefix-path=${CMAKE_BINARY_DIR})
    target_compile_options(pt_options INTERFACE ${counting})
    target_link_options(pt_options INTERFACE ${counting})
elseif(PT_PROFILE AND (NOT CMAKE_C_COMPILER_ID STREQUAL "GNU" OR CMAKE_CROSSCOMPILING))
    message(STATUS "PT_PROFILE needs GCC, and a machine that runs what it builds: left out")
elseif(PT_PROFILE)
    include(ExternalProject)
    set(counts ${CMAKE_BINARY_DIR}/profile)
    ExternalProject_Add(training
        SOURCE_DIR ${CMAKE_SOURCE_DIR}
        BINARY_DIR ${CMAKE_BINARY_DIR}/training
        CMAKE_ARGS -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}
                   -DCMAKE_C_FLAGS=${CMAKE_C_FLAGS} -DPT_HARDEN=${PT_HARDEN} -DPT_TRAINING=${counts}
                   -DPT_BENCH=ON -DBUILD_TESTING=OFF
        BUILD_COMMAND ${CMAKE_COMMAND} --build . --target pt_bench_triage
        COMMAND ${CMAKE_COMMAND} -E rm -rf ${counts}
        COMMAND bench/pt_bench_triage --no-progress --rounds 3
        INSTALL_COMMAND ""
        BUILD_ALWAYS ON)
    add_dependencies(pt_options training)
    target_compile_options(pt_options INTERFACE -fprofile-use=${counts} -fprofile-prefix-path=${CMAKE_BINARY_DIR}
                                                -fprofile-partial-training -Wno-missing-profile -Wno-coverage-mismatch)
endif()
