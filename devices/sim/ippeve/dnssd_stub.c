/* Stands in for the few avahi functions ippeveprinter calls before it looks at "-r off".
 *
 * Preloaded, it lets the printer start without avahi-daemon, without dbus and without root. Nothing is ever announced:
 * every call succeeds and does nothing.
 */

#include <stddef.h>

static int anchor; /* something to point at: the callers only test for NULL */

void *avahi_threaded_poll_new(void) { return &anchor; }

const void *avahi_threaded_poll_get(void *poll) { return poll; }

int avahi_threaded_poll_start(void *poll)
{
    (void)poll;
    return 0;
}

void avahi_threaded_poll_lock(void *poll) { (void)poll; }

void avahi_threaded_poll_unlock(void *poll) { (void)poll; }

void *avahi_client_new(const void *api, int flags, void *callback, void *context, int *error)
{
    (void)api;
    (void)flags;
    (void)callback;
    (void)context;
    if (error != NULL) {
        *error = 0;
    }
    return &anchor;
}

int avahi_client_errno(void *client)
{
    (void)client;
    return 0;
}

const char *avahi_client_get_host_name_fqdn(void *client)
{
    (void)client;
    return "localhost";
}
