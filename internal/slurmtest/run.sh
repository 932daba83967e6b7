#!/bin/bash
# Runs docs/examples/slurm-array.sh on a Slurm of one node: an array of four
# tasks converts a model, one task is killed in its middle and queued again, and
# the merged file must be the one that a single run writes. Needs root, and
# Debian's packages slurmctld, slurmd, slurm-client and munge.
#
#	internal/slurmtest/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp -d)
chmod 755 "$work"
node=$(hostname -s)
daemons=()
finish() {
	code=$?
	[ "$code" = 0 ] || tail -n 20 "$work"/*.log 2> /dev/null || true
	for pid in "${daemons[@]}"; do kill "$pid" 2> /dev/null || true; done
	wait || true
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT

export PATH="$work/bin:$PATH:/usr/sbin" SLURM_CONF="$work/slurm.conf"
mkdir "$work/bin" "$work/state" "$work/spool"
CGO_ENABLED=0 go build -o "$work/bin/mq-real" ./cmd/mq
go run ./internal/fixtures/randmodel -preset moe8 -tokenizer testdata/stories-llama -o "$work/moe8"
cp -r testdata/stories-llama "$work/stories-llama"

# The first attempt of task 2 is frozen when it has begun its journal, so that
# there is a middle to be killed in.
cat > "$work/bin/mq" <<'EOF'
#!/bin/bash
if [ "${SLURM_ARRAY_TASK_ID:-}" != 2 ] || [ "${SLURM_RESTART_COUNT:-0}" != 0 ]; then exec mq-real "$@"; fi
mq-real "$@" &
journal=()
until [ -s "${journal[0]:-}" ] || ! kill -0 $! 2> /dev/null; do # nothing is forked here
	journal=(.*-00002-of-00004.gguf.mq-journal)
done
kill -STOP $! 2> /dev/null
touch frozen
sleep 600
EOF
chmod +x "$work/bin/mq"

port=$((20000 + RANDOM % 20000))
cat > "$work/slurm.conf" <<EOF
ClusterName=mq
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket,cred_expire=5
CredType=cred/munge
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2
ReturnToService=2
MailProg=/bin/true
KillWait=1
MpiDefault=none
MinJobAge=600
NodeName=$node NodeAddr=127.0.0.1 NodeHostname=$node CPUs=2 State=UNKNOWN
PartitionName=ci Nodes=$node Default=YES MaxTime=INFINITE State=UP
EOF
echo "CgroupPlugin=cgroup/v1" > "$work/cgroup.conf"

dd if=/dev/urandom of="$work/munge.key" bs=1 count=1024 status=none
chmod 400 "$work/munge.key"
munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge.socket" \
	--pid-file="$work/munge.pid" --log-file="$work/munge.log" --seed-file="$work/munge.seed" > "$work/munged.log" 2>&1 &
daemons+=($!)
for _ in $(seq 50); do [ -S "$work/munge.socket" ] && break; sleep 0.1; done
slurmctld -D -c > "$work/slurmctld.out.log" 2>&1 &
daemons+=($!)
slurmd -D -N "$node" > "$work/slurmd.out.log" 2>&1 &
daemons+=($!)
for _ in $(seq 100); do
	sinfo -h -o %T 2> /dev/null | grep -q idle && break
	sleep 0.2
done
sinfo -h -o %T | grep -q idle

# state prints the states of the tasks of a job.
state() { scontrol show job "$1" | grep -oE 'JobState=\w+' | sort | uniq -c | tr -s ' \n' ' '; }

stopped=0
for model in stories-llama moe8; do
	mkdir "$work/$model.out"
	cd "$work/$model.out"
	job=$(sbatch --parsable "$root/docs/examples/slurm-array.sh" "$work/$model" q4_k_m "$model.gguf")
	for _ in $(seq 300); do [ -e frozen ] && break; sleep 0.1; done
	[ -e frozen ]
	if [ -e "$model-00002-of-00004.gguf" ]; then
		echo "slurmtest: $model: the task was over before it could be stopped"
	else
		ls -A | grep -q '^\..*-00002-of-00004.gguf.mq-journal$'
		stopped=$((stopped + 1))
		echo "slurmtest: $model: task 2 stopped in its middle, $(wc -l < .*-00002-of-00004.gguf.mq-journal) lines in its journal"
	fi
	scontrol requeue "${job}_2"
	for _ in $(seq 600); do
		case "$(state "$job")" in *" 4 JobState=COMPLETED ") break ;; esac
		sleep 0.2
	done
	echo "slurmtest: $model: $(state "$job")"
	[ "$(state "$job")" = " 4 JobState=COMPLETED " ]
	mq-real merge -q "$model-00001-of-00004.gguf" -o merged.gguf > merge.log
	mq-real convert -q "$work/$model" -t q4_k_m -o single.gguf > single.log
	cmp merged.gguf single.gguf > single.log
	[ -z "$(ls -A | grep '^\.' || true)" ]
	echo "slurmtest: $model: the merged file equals the one of a single run"
	cd "$root"
done
[ "$stopped" -gt 0 ] || { echo "slurmtest: no task was stopped in its middle"; exit 1; }
