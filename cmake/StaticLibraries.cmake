# What a program that links liboss_resumable.a needs besides libcurl and OpenSSL: rustc's own list
# (`--print native-static-libs`). The test static-libraries compares it with what rustc says.
set(oss_resumable_static_libraries gcc_s util rt pthread m dl c)
