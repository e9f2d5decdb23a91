# Copies cargo's libraries from FROM to TO, with the names that the dynamic linker expects.

function(copy from to)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${from}" "${to}" RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "cannot copy ${from} to ${to}")
    endif()
endfunction()

file(MAKE_DIRECTORY "${TO}")
copy("${FROM}/liboss_resumable.a" "${TO}/liboss_resumable.a")
copy("${FROM}/liboss_resumable.so" "${TO}/liboss_resumable.so.${VERSION}")
file(CREATE_LINK "liboss_resumable.so.${VERSION}" "${TO}/liboss_resumable.so.${ABI}" SYMBOLIC)
file(CREATE_LINK "liboss_resumable.so.${ABI}" "${TO}/liboss_resumable.so" SYMBOLIC)
