import { describe, expect, it } from 'vitest';
import { projectPathOfJobPage } from '../../../infrastructure/gitlab/project-path.ts';

describe('projectPathOfJobPage', () => {
  it.each([
    ['https://gitlab.example.com/group/project/-/jobs/7', 'https://gitlab.example.com', 'group/project'],
    ['https://gitlab.example.com/a/b/c.d/e_f/-/jobs/7', 'https://gitlab.example.com/', 'a/b/c.d/e_f'],
    ['https://example.com/gitlab/group/project/-/jobs/7', 'https://example.com/gitlab', 'group/project'],
    ['https://public.example.com/group/project/-/jobs/7', 'http://10.0.0.5:8080', 'group/project'],
  ])('finds in %s, of %s, the project %s', (page, gitlab, path) => {
    expect(projectPathOfJobPage(page, gitlab)).toBe(path);
  });

  it.each([
    undefined,
    null,
    '',
    'group/project/-/jobs/7',
    'https://gitlab.example.com/group/project',
    'https://gitlab.example.com/project/-/jobs/7',
    'https://gitlab.example.com/group/project/-/pipelines/7',
    'https://gitlab.example.com/group/a%2fb/-/jobs/7',
  ])('finds none in %s', (page) => {
    expect(projectPathOfJobPage(page, 'https://gitlab.example.com')).toBeNull();
  });

  it('finds none where the page is not below the path of GitLab', () => {
    expect(projectPathOfJobPage('https://example.com/group/project/-/jobs/7', 'https://example.com/gitlab')).toBeNull();
  });
});
