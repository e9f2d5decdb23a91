/* A host that forgets to free an error. The test checks that valgrind detects it. */
#include <stddef.h>

#include <oss_resumable/oss_resumable.h>

int main(void) {
    oss_resumable_error *error = NULL;
    oss_resumable_client *client = NULL;
    oss_resumable_code code = oss_resumable_client_new(NULL, &client, &error);
    error = NULL;
    return code == OSS_RESUMABLE_ERR_VALIDATION ? 0 : 1;
}
