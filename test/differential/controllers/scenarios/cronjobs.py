"""CronJobs: schedules, policies, history."""


def _cron(c, schedule, **spec):
    extra = ''.join(f'\n  {key}: {value}' for key, value in spec.items())
    return c.make(f'''
apiVersion: batch/v1
kind: CronJob
metadata: {{name: t}}
spec:
  schedule: "{schedule}"{extra}
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{{name: c, image: "registry.example/c:1"}}]
''')


def every_minute(c):
    _cron(c, '* * * * *', successfulJobsHistoryLimit=1)
    c.wait(lambda: any(c.conditions('Job', j['metadata']['name']).get('Complete') == 'True' for j in c.list('Job')), 'a Job completed', timeout_s=80)
    c.patch('CronJob', 't', {'spec': {'suspend': True}})
    c.wait(lambda: not c.status('CronJob', 't').get('active'), 'none is active')


def every_minute_in_a_zone(c):
    _cron(c, '* * * * *', timeZone='Asia/Kathmandu')
    c.wait(lambda: c.list('Job'), 'a Job', timeout_s=80)
    c.wait(lambda: c.status('CronJob', 't').get('lastScheduleTime'), 'its time is told')
    c.patch('CronJob', 't', {'spec': {'suspend': True}})
    c.observe(bool(c.list('Job') and '+05:45' in str(c.list('Job')[0]['metadata'].get('annotations'))))


def suspended(c):
    _cron(c, '* * * * *', suspend='true')


def never_comes_due(c):
    _cron(c, '0 0 31 2 *')


def a_step_in_one_day_field(c):
    _cron(c, '* * */1 * 3')


def forbid_concurrent(c):
    _cron(c, '@yearly', concurrencyPolicy='Forbid')
