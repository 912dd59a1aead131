#!/bin/sh
# The part of verify_install.py that runs in the fresh Debian. /verify has the commands of docs/production.md.
set -eu
export DEBIAN_FRONTEND=noninteractive
PASSWORD=p@ss/w0rd

say() { echo "-- $*"; }
as_user() { sudo -u viberdash --preserve-env=ENV_FILE "$@"; }

if [ "${1:-}" = start ]; then # in the network without a way out
    ip link set lo up
    cd /srv/viberdash
    say "database: the cluster has the locale C, as nobody has set another one"
    version=$(pg_lsclusters -h | cut -d' ' -f1)
    pg_conftool "$version" main set port 5432 # the machine outside may have one there
    pg_ctlcluster "$version" main start
    redis-server --daemonize yes --save '' >/dev/null
    printf '%s\n%s\n' "$PASSWORD" "$PASSWORD" | sh -eu /verify/database

    say "settings"
    printf '%s\n' https://viber.example.com postgres://viberdash:p%40ss%2Fw0rd@127.0.0.1:5432/viberdash \
        redis://127.0.0.1:6379/0 Europe/Kyiv live_verify_install |
        BSG_API_URL=http://127.0.0.1:8090/rest sh -eu /verify/settings
    test "$(stat -c '%a %U' .env)" = '600 viberdash'

    say "tables and the first administrator"
    sh -eu /verify/prepare

    say "units: systemd-analyze verify and security"
    sed '/systemctl/d' /verify/systemd >/verify/units && sh -eu /verify/units
    cp docs/systemd/viberdash-backup.* /etc/systemd/system/
    systemd-analyze verify /etc/systemd/system/viberdash*
    for unit in /etc/systemd/system/viberdash*.service; do
        systemd-analyze security --offline=true --no-pager "$unit" | grep Overall
    done

    exec unshare --mount --propagation=private sh /verify/run.sh processes
fi

if [ "${1:-}" = processes ]; then # where PostgreSQL has nothing open
    cd /srv/viberdash
    say "processes of the units, as viberdash, on a root that nobody can write"
    mount --bind /srv/viberdash/var /srv/viberdash/var
    mount -t tmpfs -o mode=1777 tmp /tmp
    mount -t tmpfs -o mode=1777 tmp /var/tmp
    mount -o remount,bind,ro /
    as_user .venv/bin/python manage.py sandbox_gateway --port 8090 >/tmp/sandbox.log 2>&1 &
    for name in web worker sweep; do
        unit=docs/systemd/viberdash-$name.service
        # shellcheck disable=SC2046 # the words of a command
        as_user $(sed -n 's/^ExecStart=//p' "$unit") >"/tmp/$name.log" 2>&1 &
    done
    python3 /verify/wait.py || { tail -n 20 /tmp/*.log; exit 1; }

    say "a rehearsal"
    as_user deploy/steps rehearse || { tail -n 20 /tmp/*.log; exit 1; }

    say "a backup, and an upgrade with nothing to migrate"
    as_user .venv/bin/python manage.py backup
    as_user deploy/steps prepare 2>/dev/null
    grep -E 'Traceback|CRITICAL' /tmp/*.log && exit 1
    exit 0
fi

echo "127.0.0.1 localhost $(uname -n)" >/etc/hosts
umask 077 # the page has to correct it
say "packages, user and code"
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d # no service starts by itself
chmod 755 /usr/sbin/policy-rc.d
sed -i 's/^apt install /apt-get install -y -qq /; s/^apt update/apt-get update -qq/' /verify/install
(umask 077 && sh -eu /verify/install) >/tmp/install.log 2>&1 || { tail -n 40 /tmp/install.log; exit 1; }
cd /srv/viberdash
deploy/steps compile
.venv/bin/python -m viberdash --version
apt-get install -y -qq --no-install-recommends iproute2 openssl systemd >/tmp/more.log 2>&1 || { cat /tmp/more.log; exit 1; }

say "nginx takes the example"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=viber.example.com -keyout /tmp/key -out /tmp/cert 2>/dev/null
install -d /etc/letsencrypt/live/viber.example.com
cp /tmp/cert /etc/letsencrypt/live/viber.example.com/fullchain.pem
cp /tmp/key /etc/letsencrypt/live/viber.example.com/privkey.pem
cp /verify/nginx.conf /etc/nginx/sites-enabled/viberdash
nginx -t -q

cat >/verify/wait.py <<'PYTHON'
import sys, time, urllib.error, urllib.request
address = sys.argv[1] if sys.argv[1:] else "http://127.0.0.1:8000/readyz"
for _ in range(90):
    try:
        answer = urllib.request.urlopen(urllib.request.Request(address), timeout=5)
        sys.exit(print(f"{address} answers {answer.status}: {answer.read(200).decode()}"))
    except (OSError, urllib.error.URLError) as fault:
        last = fault
        time.sleep(2)
sys.exit(f"{address} does not answer: {last}")
PYTHON
exec unshare --net --mount --propagation=private sh /verify/run.sh start
