# shellcheck shell=bash
# To be sourced: how jobs are started. Both take Kaldi's calling convention:
#
#     ${train_cmd} JOB=1:4 exp/log/name.JOB.log program --in split.JOB
#
# On a cluster, replace them by Kaldi's queue.pl, slurm.pl or ssh.pl with the options of your site, for example
#     export train_cmd="queue.pl --mem 4G"
#     export cuda_cmd="slurm.pl --config conf/slurm.conf"
# Variables that are set already keep their values.

export train_cmd="${train_cmd:-utils/run.py}"
export cuda_cmd="${cuda_cmd:-utils/run.py}"
